//! The head of a request to the listener, judged: only what the way back needs is let through.

/// The longest head of a request, in bytes.
pub(crate) const HEAD_LIMIT: usize = 8 * 1024;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The way back from the consent page, with its query.
    Callback(String),
    /// The result page.
    Done,
    /// Something we do not serve; the status says why.
    Refused(u16),
}

/// Where a head ends in these bytes, if it does.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n")
}

/// Reads a head (without its empty line) that came to this port.
pub(crate) fn read(head: &[u8], port: u16) -> Asked {
    let Ok(head) = std::str::from_utf8(head) else {
        return Asked::Refused(400);
    };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (method, target, version, words.next())
    else {
        return Asked::Refused(400);
    };
    let mut hosts = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim());
    // Another name for this address is somebody else's page reaching for us (DNS rebinding).
    let is_ours = hosts.next() == Some(format!("127.0.0.1:{port}").as_str());
    if !is_ours || hosts.next().is_some() {
        return Asked::Refused(400);
    }
    if method != "GET" {
        return Asked::Refused(405);
    }
    match target.split_once('?') {
        Some(("/callback", query)) => Asked::Callback(query.to_owned()),
        None if target == "/callback" => Asked::Callback(String::new()),
        None if target == "/done" => Asked::Done,
        Some(_) | None => Asked::Refused(404),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(request_line: &str, host: &str) -> Asked {
        let head = format!("{request_line}\r\nHost: {host}\r\nAccept: */*");
        read(head.as_bytes(), 47113)
    }

    #[test]
    fn signin_07_only_the_way_back_is_let_through() {
        let ours = "127.0.0.1:47113";
        assert_eq!(
            ask("GET /callback?code=a HTTP/1.1", ours),
            Asked::Callback("code=a".to_owned())
        );
        assert_eq!(ask("GET /done HTTP/1.1", ours), Asked::Done);
        for (line, host, status) in [
            ("GET /callback?code=a HTTP/1.1", "evil.example", 400),
            ("GET /callback?code=a HTTP/1.1", "localhost:47113", 400),
            ("POST /callback HTTP/1.1", ours, 405),
            ("GET /favicon.ico HTTP/1.1", ours, 404),
            ("GET /callback/../done HTTP/1.1", ours, 404),
            ("GET /done?x HTTP/1.1", ours, 404),
            ("GET  /callback HTTP/1.1", ours, 400),
            ("GET /callback HTTP/2", ours, 400),
            ("nonsense", ours, 400),
        ] {
            assert_eq!(ask(line, host), Asked::Refused(status), "{line} at {host}");
        }
        assert_eq!(read(b"\xff\xfe", 47113), Asked::Refused(400));
        let twice = b"GET /done HTTP/1.1\r\nHost: 127.0.0.1:47113\r\nHost: 127.0.0.1:47113";
        assert_eq!(read(twice, 47113), Asked::Refused(400));
    }
}
