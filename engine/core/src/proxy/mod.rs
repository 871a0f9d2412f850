//! Who a client is behind a proxy: told by the PROXY protocol or by an HTTP header, and believed of
//! listed proxies only. Whom to believe is the driver's to decide, and never guessed.

mod forwarded;
mod header;

pub use forwarded::{Forwarded, ForwardedError};
pub use header::{PROXY_BYTES_MAX, Proxied, ProxyError, ProxyReader};
