//! What people like, as far as so many do that nobody is known by it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use serde::Serialize;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use super::{Admin, Answer, Refusal, json};
use crate::control::Lines;
use crate::worker::{Command, Liked};

/// What fewer people like has no name here. A person is a session: who has several counts so often.
const PEOPLE_MIN: u32 = 20;

/// Interests in an answer.
const SHOWN: usize = 30;

/// How long a count is shown before people are counted anew.
const FRESH: Duration = Duration::from_secs(10);

/// Workers that are silent for longer have not answered.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// The count that was made last, and the way to the next. Clones share it.
#[derive(Clone)]
pub(in crate::control) struct Interests {
    lines: Lines,
    last: Arc<Mutex<Option<Count>>>,
}

/// What was popular at a moment.
struct Count {
    at: Instant,
    popular: Arc<[Popular]>,
}

/// Something that many like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Popular {
    name: Box<str>,
    people: u32,
}

pub(super) async fn top(State(admin): State<Admin>) -> Answer {
    let popular = admin.interests.count().await?;
    json(&serde_json::json!({ "least": PEOPLE_MIN, "interests": &*popular }))
}

impl Interests {
    /// Counts that ask these workers.
    pub(in crate::control) fn new(lines: Lines) -> Self {
        Self { lines, last: Arc::default() }
    }

    /// What is popular now, or was some seconds ago. One count at a time; who asks meanwhile waits
    /// for it.
    async fn count(&self) -> Result<Arc<[Popular]>, Refusal> {
        let mut last = self.last.lock().await;
        if let Some(count) = last.as_ref().filter(|it| it.at.elapsed() < FRESH) {
            return Ok(Arc::clone(&count.popular));
        }
        let popular: Arc<[Popular]> = popular(self.ask().await?).into();
        *last = Some(Count { at: Instant::now(), popular: Arc::clone(&popular) });
        Ok(popular)
    }

    async fn ask(&self) -> Result<Vec<Liked>, Refusal> {
        let silent = || Refusal::unavailable(&"a reactor didn't count: ask again");
        let workers = self.lines.len();
        let (answer, mut answers) = mpsc::channel(workers);
        // Where so many like something, they can't be fewer than this at every worker.
        let named_from = PEOPLE_MIN.div_ceil(workers as u32);
        if !self.lines.tell(&Command::Popularity { named_from, answer }) {
            return Err(silent());
        }
        let mut all = Vec::new();
        for _ in 0..workers {
            let answer = timeout(ANSWER_MAX, answers.recv()).await;
            all.extend(answer.ok().flatten().ok_or_else(silent)?);
        }
        Ok(all)
    }
}

/// What enough people like, over all workers; the most popular first.
fn popular(counts: Vec<Liked>) -> Vec<Popular> {
    let mut sums: HashMap<_, (u32, Option<Box<str>>)> = HashMap::new();
    for Liked { key, people, name } in counts {
        let (sum, known) = sums.entry(key).or_default();
        *sum += people;
        *known = known.take().or(name);
    }
    let enough = sums.into_values().filter(|(people, _)| *people >= PEOPLE_MIN);
    let mut popular: Vec<Popular> =
        enough.filter_map(|(people, name)| Some(Popular { name: name?, people })).collect();
    popular.sort_by(|a, b| b.people.cmp(&a.people).then_with(|| a.name.cmp(&b.name)));
    popular.truncate(SHOWN);
    popular
}

#[cfg(test)]
mod tests {
    use whisper_shard_router::KeyHash;

    use super::*;

    #[test]
    fn only_what_enough_people_like_is_named() {
        let liked = |key, people, name: Option<&str>| Liked {
            key: KeyHash(key),
            people,
            name: name.map(Into::into),
        };
        let counts = vec![
            liked(1, 10, Some("chess")),
            liked(1, 10, None),
            liked(2, 19, Some("medieval falconry")),
            liked(3, 15, Some("jazz")),
            liked(3, 6, Some("jazz")),
        ];
        let shown: Vec<_> =
            popular(counts).into_iter().map(|it| (it.name.into_string(), it.people)).collect();
        assert_eq!(shown, [("jazz".to_owned(), 21), ("chess".to_owned(), 20)]);
    }
}
