//! The tables of reports and what is asked of them, in the SQL that SQLite and PostgreSQL share.

use super::database::{Row, Statement, statement};
use super::{Decision, EVIDENCE_MAX, Evidence, Filter, Report, Status, Summary, URGENT};
use crate::sqlite::Migrations;

/// Its tables in the file.
pub const MIGRATIONS: Migrations = Migrations { area: "reports", steps: STEPS };

/// How they come to be, there and in PostgreSQL. A step that has been shipped is never edited.
pub(super) const STEPS: &[&str] = &["CREATE TABLE reports (
        id TEXT PRIMARY KEY,
        at_ms BIGINT NOT NULL,
        reason TEXT NOT NULL,
        urgent BIGINT NOT NULL,
        comment TEXT NOT NULL,
        accused TEXT NOT NULL,
        accused_handle TEXT NOT NULL,
        reporter TEXT NOT NULL,
        reporter_handle TEXT NOT NULL,
        status TEXT NOT NULL,
        held BIGINT NOT NULL,
        ban TEXT NOT NULL
     );
     CREATE INDEX reports_in_order ON reports (status, urgent, at_ms);
     CREATE INDEX reports_by_accused ON reports (accused, at_ms);
     CREATE INDEX reports_by_age ON reports (at_ms) WHERE held = 0;
     CREATE TABLE evidence (
        report TEXT NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
        seq BIGINT NOT NULL,
        at_ms BIGINT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (report, seq)
     );"];

/// Puts a report in, or adds to the one there is: the graver reason, a comment where there was
/// none, and evidence up to its bound. What an operator has decided stays.
pub(super) fn file(report: &Report) -> Vec<Statement> {
    let put = "INSERT INTO reports VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (id) DO UPDATE SET
            reason = CASE WHEN excluded.urgent > reports.urgent
                THEN excluded.reason ELSE reports.reason END,
            urgent = CASE WHEN excluded.urgent > reports.urgent
                THEN excluded.urgent ELSE reports.urgent END,
            comment = CASE WHEN reports.comment = ''
                THEN excluded.comment ELSE reports.comment END";
    let urgent = URGENT.contains(&report.reason.as_str());
    let mut statements = vec![statement(
        put,
        [
            report.id.as_str().into(),
            report.at_ms.into(),
            report.reason.as_str().into(),
            u64::from(urgent).into(),
            report.comment.as_str().into(),
            report.accused.as_str().into(),
            report.accused_handle.as_str().into(),
            report.reporter.as_str().into(),
            report.reporter_handle.as_str().into(),
            report.status.as_str().into(),
            u64::from(report.held).into(),
            report.ban.as_str().into(),
        ],
    )];
    let add = "INSERT INTO evidence
        SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS TEXT)
        WHERE (SELECT count(*) FROM evidence WHERE report = $1) < CAST($5 AS BIGINT)
        ON CONFLICT (report, seq) DO NOTHING";
    statements.extend(report.evidence.iter().map(|Evidence { seq, at_ms, content }| {
        let (id, content) = (report.id.as_str().into(), content.as_str().into());
        statement(add, [id, (*seq).into(), (*at_ms).into(), content, EVIDENCE_MAX.into()])
    }));
    statements
}

/// The columns of a summary, in the order of [`summary`].
macro_rules! summaries {
    ($rest:literal) => {
        concat!(
            "SELECT id, at_ms, reason, urgent, status, held, ban, accused,
                (SELECT count(*) FROM evidence WHERE report = reports.id),
                comment
             FROM reports ",
            $rest
        )
    };
}

/// What is urgent first, and of that the oldest.
pub(super) fn list(filter: &Filter) -> Statement {
    let sql = summaries!(
        "WHERE (CAST($1 AS TEXT) IS NULL OR status = $1)
           AND (CAST($2 AS TEXT) IS NULL OR reason = $2)
           AND (CAST($3 AS TEXT) IS NULL OR accused = $3)
           AND at_ms >= CAST($4 AS BIGINT) AND at_ms <= CAST($5 AS BIGINT)
           AND (CAST($6 AS BIGINT) = 0 OR held = 1)
           AND (CAST($7 AS BIGINT) = 0
                OR EXISTS (SELECT 1 FROM evidence WHERE report = reports.id))
         ORDER BY urgent DESC, at_ms, id LIMIT CAST($8 AS BIGINT)"
    );
    let status = filter.status.map(Status::as_str);
    statement(
        sql,
        [
            status.into(),
            filter.reason.as_deref().into(),
            filter.accused.as_deref().into(),
            filter.since_ms.into(),
            filter.until_ms.into(),
            u64::from(filter.held).into(),
            u64::from(filter.verified).into(),
            u64::from(filter.limit).into(),
        ],
    )
}

pub(super) fn one(id: &str) -> Statement {
    statement(summaries!("WHERE id = $1"), [id.into()])
}

pub(super) fn summary(row: &Row) -> Option<Summary> {
    let [id, at_ms, reason, urgent, status, held, ban, accused, evidence, comment] = row.as_slice()
    else {
        return None;
    };
    Some(Summary {
        id: id.text(),
        at_ms: at_ms.int() as u64,
        reason: reason.text(),
        urgent: urgent.int() != 0,
        status: status.text(),
        held: held.int() != 0,
        ban: ban.text(),
        accused: accused.text(),
        evidence: evidence.int() as u64,
        comment: comment.text(),
    })
}

pub(super) fn evidence(id: &str) -> Statement {
    let sql = "SELECT seq, at_ms, content FROM evidence WHERE report = $1 ORDER BY seq";
    statement(sql, [id.into()])
}

pub(super) fn piece(row: &Row) -> Option<Evidence> {
    let [seq, at_ms, content] = row.as_slice() else { return None };
    Some(Evidence { seq: seq.int() as u64, at_ms: at_ms.int() as u64, content: content.text() })
}

pub(super) fn handle(id: &str) -> Statement {
    statement("SELECT accused_handle, accused FROM reports WHERE id = $1", [id.into()])
}

pub(super) fn latest_handle(accused: &str) -> Statement {
    let sql = "SELECT accused_handle FROM reports
        WHERE accused = $1 AND accused_handle <> '' ORDER BY at_ms DESC LIMIT 1";
    statement(sql, [accused.into()])
}

/// Decides on a report that is open; one that is decided stays as it is.
pub(super) fn decide(id: &str, decision: &Decision) -> Statement {
    let sql = "UPDATE reports SET status = $1, ban = $2 WHERE id = $3 AND status = 'open'";
    let (status, ban) = (decision.status.as_str(), decision.ban.as_str());
    statement(sql, [status.into(), ban.into(), id.into()])
}

/// The same for all that are open on somebody.
pub(super) fn decide_all(accused: &str, decision: &Decision) -> Statement {
    let sql = "UPDATE reports SET status = $1, ban = $2 WHERE accused = $3 AND status = 'open'";
    let (status, ban) = (decision.status.as_str(), decision.ban.as_str());
    statement(sql, [status.into(), ban.into(), accused.into()])
}

pub(super) fn hold(id: &str, held: bool) -> Statement {
    let sql = "UPDATE reports SET held = $1 WHERE id = $2";
    statement(sql, [u64::from(held).into(), id.into()])
}

/// How many different people have open reports on somebody.
pub(super) fn reporters(accused: &str, since_ms: u64) -> Statement {
    let sql = "SELECT count(DISTINCT reporter) FROM reports
        WHERE accused = $1 AND at_ms >= $2 AND status = 'open'";
    statement(sql, [accused.into(), since_ms.into()])
}

/// How many bans came of reports on somebody.
pub(super) fn strikes(accused: &str) -> Statement {
    let sql = "SELECT count(DISTINCT ban) FROM reports WHERE accused = $1 AND ban <> ''";
    statement(sql, [accused.into()])
}

pub(super) fn expire(before_ms: u64) -> Statement {
    statement("DELETE FROM reports WHERE at_ms < $1 AND held = 0", [before_ms.into()])
}

/// How many there are of each kind that is counted: all, and those open.
pub(super) fn count() -> Statement {
    statement("SELECT count(*), count(CASE WHEN status = 'open' THEN 1 END) FROM reports", [])
}

/// The oldest whole reports, without their evidence.
pub(super) fn oldest(limit: u64) -> Statement {
    let sql = "SELECT id, at_ms, reason, comment, accused, accused_handle, reporter,
            reporter_handle, status, held, ban
        FROM reports ORDER BY at_ms, id LIMIT CAST($1 AS BIGINT)";
    statement(sql, [limit.into()])
}

pub(super) fn whole(row: &Row) -> Option<Report> {
    let [id, at_ms, reason, comment, accused, accused_handle, reporter, reporter_handle, rest @ ..] =
        row.as_slice()
    else {
        return None;
    };
    let [status, held, ban] = rest else { return None };
    Some(Report {
        id: id.text(),
        at_ms: at_ms.int() as u64,
        reason: reason.text(),
        comment: comment.text(),
        accused: accused.text(),
        accused_handle: accused_handle.text(),
        reporter: reporter.text(),
        reporter_handle: reporter_handle.text(),
        evidence: Vec::new(),
        status: Status::parse(&status.text()).unwrap_or_default(),
        held: held.int() != 0,
        ban: ban.text(),
    })
}

/// Deletes a report that has no more evidence than was brought elsewhere.
pub(super) fn delete_brought(id: &str, evidence: u64) -> Statement {
    let sql = "DELETE FROM reports WHERE id = $1
        AND (SELECT count(*) FROM evidence WHERE report = $1) <= CAST($2 AS BIGINT)";
    statement(sql, [id.into(), evidence.into()])
}

/// Parameters must be numbered as they first appear, for SQLite goes by that.
#[cfg(test)]
mod tests {
    use super::super::database::Value;
    use super::*;

    #[test]
    fn parameters_are_numbered_as_they_appear() {
        let decision = Decision::default();
        let mut all = file(&Report { evidence: vec![Evidence::default()], ..Report::default() });
        all.extend([
            list(&Filter::default()),
            one("a"),
            evidence("a"),
            handle("a"),
            latest_handle("a"),
        ]);
        all.extend([decide("a", &decision), decide_all("a", &decision), hold("a", true)]);
        all.extend([reporters("a", 1), strikes("a"), count(), oldest(1), expire(1)]);
        all.push(delete_brought("a", 1));
        for Statement { sql, values } in all {
            let mut seen = 0;
            for number in sql.split('$').skip(1) {
                let digits = number.trim_start_matches(|c: char| c.is_ascii_digit());
                let number: usize =
                    number[..number.len() - digits.len()].parse().expect("a number");
                assert!(number <= seen + 1, "{sql}");
                seen = seen.max(number);
            }
            assert_eq!(seen, values.len(), "{sql}");
        }
        assert_eq!(Value::from("a\0b"), Value::Text("a\u{fffd}b".into()));
    }
}
