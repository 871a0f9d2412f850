//! The built web client, read once and served from memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use whisper_core::http::{Cache, Encoding, Encodings, Head, HeaderValue, Method, Request, Status};

/// Most bytes of files, compressed forms included, that are kept.
const BYTES_MAX: u64 = 64 << 20;

/// The first page, which names all that its first view needs; where there is one.
const FIRST: &str = "/index.html";

/// The page that stands in for every other path of the client's own.
const FALLBACK: &str = "/200.html";

/// What a page may do that says nothing of it.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'";

/// How a page says what it may do, as SvelteKit writes it.
const POLICY_META: &str = "<meta http-equiv=\"content-security-policy\" content=\"";

/// Files whose names change with their contents.
const IMMUTABLE: &str = "/_app/immutable/";

/// Files by path, with a leading slash.
#[derive(Default)]
pub(crate) struct Site {
    files: BTreeMap<String, File>,
}

struct File {
    content_type: &'static str,
    /// In double quotes.
    etag: String,
    /// What it may do, if it is a page.
    policy: Option<String>,
    plain: Arc<[u8]>,
    brotli: Option<Arc<[u8]>>,
    gzip: Option<Arc<[u8]>>,
}

/// What to answer: a head, and a body to follow it.
pub(crate) struct Answer<'a> {
    /// The head, whose connection stays open as the request asked.
    pub(crate) head: Head<'a>,
    /// The body; none for HEAD and for what the client has already.
    pub(crate) body: Option<Arc<[u8]>>,
}

impl Site {
    /// Reads every file below `root`, with the `.br` and `.gz` forms beside them.
    ///
    /// # Errors
    /// Where a file can't be read, or they are too many bytes to keep.
    pub(crate) fn load(root: &Path) -> io::Result<Self> {
        let mut all = BTreeMap::new();
        let mut budget = BYTES_MAX;
        read_below(root, "", &mut all, &mut budget)?;
        let compressed = |path: &str, ending: &str| all.get(&format!("{path}{ending}")).cloned();
        let files = all
            .iter()
            .filter(|(path, _)| !path.ends_with(".br") && !path.ends_with(".gz"))
            .map(|(path, plain)| {
                let hash = blake3::hash(plain);
                let file = File {
                    content_type: content_type(path),
                    etag: format!("\"{}\"", HEXLOWER.encode(&hash.as_bytes()[..8])),
                    policy: path.ends_with(".html").then(|| policy(plain)),
                    plain: Arc::clone(plain),
                    brotli: compressed(path, ".br"),
                    gzip: compressed(path, ".gz"),
                };
                (path.clone(), file)
            })
            .collect();
        Ok(Self { files })
    }

    /// The answer to a request, if there is such a file or page.
    pub(crate) fn answer(&self, request: &Request<'_>) -> Option<Answer<'_>> {
        let (path, file) = self.find(request.path)?;
        let Encodings { brotli, gzip } = request.accepts;
        let (encoding, body) = match (&file.brotli, &file.gzip) {
            (Some(body), _) if brotli => (Some(Encoding::Brotli), body),
            (_, Some(body)) if gzip => (Some(Encoding::Gzip), body),
            _ => (None, &file.plain),
        };
        let immutable = path.starts_with(IMMUTABLE);
        let head = Head {
            content_type: Some(HeaderValue::from_static(file.content_type)),
            etag: HeaderValue::new(&file.etag),
            policy: file.policy.as_deref().and_then(HeaderValue::new),
            length: Some(body.len() as u64),
            encoding,
            cache: if immutable { Cache::Immutable } else { Cache::Revalidate },
            keep_alive: request.keep_alive,
            ..Head::new(Status::Ok)
        };
        if request.has_current(&file.etag) {
            let head = Head { status: Status::NotModified, length: None, encoding: None, ..head };
            return Some(Answer { head, body: None });
        }
        let wanted = request.method == Method::Get;
        Some(Answer { head, body: wanted.then(|| Arc::clone(body)) })
    }

    fn find(&self, path: &str) -> Option<(&str, &File)> {
        if path == "/" && self.files.contains_key(FIRST) {
            return self.find(FIRST);
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        // A name with a dot is a file; anything else is a page, and the client knows which.
        let name = if last.contains('.') { path } else { FALLBACK };
        self.files.get_key_value(name).map(|(path, file)| (path.as_str(), file))
    }
}

fn read_below(
    dir: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Arc<[u8]>>,
    budget: &mut u64,
) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}/{name}");
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            read_below(&entry.path(), &path, files, budget)?;
        } else if metadata.is_file() {
            *budget = budget.checked_sub(metadata.len()).ok_or_else(|| {
                let why = format!("the web root holds more than {BYTES_MAX} bytes");
                io::Error::new(io::ErrorKind::FileTooLarge, why)
            })?;
            files.insert(path, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

/// The `Content-Security-Policy` of a page: what its own `meta` element says, which knows the hashes
/// of the scripts in it, or [`POLICY`]; and what such an element can't say.
fn policy(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    let own = page.split_once(POLICY_META).and_then(|(_, rest)| rest.split_once('"'));
    let own = own.map_or(POLICY, |(policy, _)| policy.trim_end_matches([';', ' ']));
    format!("{own}; frame-ancestors 'none'")
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_its_own_policy_and_is_framed_by_nobody() {
        let page = "<head>\n\t<meta http-equiv=\"content-security-policy\" \
                    content=\"default-src 'none'; script-src 'sha256-x=';\">\n</head>";
        let expected = "default-src 'none'; script-src 'sha256-x='; frame-ancestors 'none'";
        assert_eq!(policy(page.as_bytes()), expected);
        assert_eq!(policy(b"<p>hello"), format!("{POLICY}; frame-ancestors 'none'"));
    }
}
