//! Sockets over io_uring: tokens and bytes, nothing else.
