//! Where in the bytes of a connection the head of a request is. Rule: a line of a head ends with CR LF; of one that does
//! not, the parser gets a byte that it refuses. What belongs to a body passes as it is.
//!
//! httparse takes a LF alone for the end of a line (RFC 9112, section 2.2, allows it); a proxy in front that does not
//! would see another request than we do. All heads of a connection are covered, however they are cut into reads and also
//! when they come together: lengths and chunks are counted as actix-http counts them. What it refuses needs no count,
//! because it reads nothing after that; trailers are not looked into, and nothing is after the offer of a web socket, or
//! after a `CONNECT` that announces no body, which it takes for the last request of a connection.

use std::mem;

/// No parser lets this stand in a head.
const REFUSED: u8 = 0;

/// What the next byte belongs to.
#[derive(Debug)]
pub(super) struct Framing(Place);

#[derive(Debug)]
enum Place {
    Head(Head),
    /// So many bytes, and then the next head.
    Body(u64),
    Chunk(Chunk),
    /// Whatever comes: there are no more heads.
    Rest,
}

#[derive(Debug, Default)]
struct Head {
    /// The part of a line that came before.
    line: Vec<u8>,
    /// Whether it has a line; empty ones before it are none.
    begun: bool,
    length: u64,
    chunked: bool,
    /// Whether it offers a web socket.
    upgrade: bool,
    connect: bool,
}

#[derive(Debug)]
enum Chunk {
    /// A line that begins with a size; whether that has ended.
    Size(u64, bool),
    /// So many bytes with the end of their line.
    Data(u64),
    Trailers {
        /// Whether there is anything in the line, and whether its last byte was CR.
        empty: bool,
        cr: bool,
    },
}

impl Framing {
    /// At the beginning of a connection.
    pub(super) fn new() -> Self {
        Self(Place::Head(Head::default()))
    }

    /// These are the next bytes that came.
    pub(super) fn pass(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let (taken, next) = match &mut self.0 {
                Place::Head(head) => head.pass(bytes),
                Place::Body(left) => skip(left, bytes.len()),
                Place::Chunk(chunk) => chunk.pass(bytes),
                Place::Rest => return,
            };
            if let Some(next) = next {
                self.0 = next;
            }
            bytes = bytes.get_mut(taken..).unwrap_or_default();
        }
    }
}

/// As many of `there` bytes as are left of a body.
fn skip(left: &mut u64, there: usize) -> (usize, Option<Place>) {
    let taken = usize::try_from(*left).map_or(there, |left| left.min(there));
    *left = left.saturating_sub(taken as u64);
    (taken, (*left == 0).then(|| Place::Head(Head::default())))
}

impl Head {
    /// One line of it, or what there is of one.
    fn pass(&mut self, bytes: &mut [u8]) -> (usize, Option<Place>) {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            return (bytes.len(), None);
        };
        let (before, found) = bytes.split_at_mut(end);
        let before: &[u8] = before;
        let carried = mem::take(&mut self.line);
        let whole = if carried.is_empty() { None } else { Some([carried.as_slice(), before].concat()) };
        let Some(line) = whole.as_deref().unwrap_or(before).strip_suffix(b"\r") else {
            if let Some(found) = found.first_mut() {
                *found = REFUSED;
            }
            return (end + 1, Some(Place::Rest));
        };
        (end + 1, self.line(line))
    }

    fn line(&mut self, line: &[u8]) -> Option<Place> {
        if line.is_empty() {
            return self.begun.then(|| self.body());
        }
        if !mem::replace(&mut self.begun, true) {
            self.connect = line.starts_with(b"CONNECT ");
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()).unwrap_or_default();
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked |= value.eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade |= value.eq_ignore_ascii_case(b"websocket");
        }
        None
    }

    /// What follows it, in actix-http's order.
    fn body(&self) -> Place {
        if self.chunked {
            Place::Chunk(Chunk::Size(0, false))
        } else if self.upgrade {
            Place::Rest
        } else if self.length > 0 {
            Place::Body(self.length)
        } else if self.connect {
            Place::Rest
        } else {
            Place::Head(Self::default())
        }
    }
}

impl Chunk {
    fn pass(&mut self, bytes: &[u8]) -> (usize, Option<Place>) {
        if let Self::Data(left) = self {
            let (taken, over) = skip(left, bytes.len());
            return (taken, over.map(|_| Place::Chunk(Self::Size(0, false))));
        }
        (1, bytes.first().and_then(|byte| self.byte(*byte)))
    }

    fn byte(&mut self, byte: u8) -> Option<Place> {
        match self {
            Self::Size(0, _) if byte == b'\n' => *self = Self::Trailers { empty: true, cr: false },
            Self::Size(size, _) if byte == b'\n' => *self = Self::Data(size.saturating_add(2)),
            Self::Size(size, ended) => match char::from(byte).to_digit(16) {
                Some(digit) if !*ended => *size = size.saturating_mul(16).saturating_add(u64::from(digit)),
                _ => *ended = true,
            },
            Self::Trailers { empty: true, cr: true } if byte == b'\n' => return Some(Place::Head(Head::default())),
            Self::Trailers { empty, cr } => {
                *empty = (*cr && byte == b'\n') || (*empty && byte == b'\r');
                *cr = byte == b'\r';
            }
            Self::Data(_) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of it in reads of so many bytes.
    fn passed(bytes: &[u8], at_once: usize) -> Vec<u8> {
        let (mut framing, mut bytes) = (Framing::new(), bytes.to_vec());
        for piece in bytes.chunks_mut(at_once) {
            framing.pass(piece);
        }
        bytes
    }

    /// In reads of any length, `sent` comes as `expected`.
    fn check(sent: &str, expected: &str) {
        for at_once in 1..=sent.len() {
            let passed = passed(sent.as_bytes(), at_once);
            assert_eq!(String::from_utf8_lossy(&passed), expected, "in reads of {at_once}: {sent:?}");
        }
    }

    #[test]
    fn a_line_of_a_head_that_ends_without_a_carriage_return_is_spoiled() {
        for (sent, expected) in [
            ("GET / HTTP/1.1\nhost: x\r\n\r\n", "GET / HTTP/1.1\0host: x\r\n\r\n"),
            ("GET / HTTP/1.1\r\nhost: x\n\r\n", "GET / HTTP/1.1\r\nhost: x\0\r\n"),
            ("GET / HTTP/1.1\r\nhost: x\r\n\n", "GET / HTTP/1.1\r\nhost: x\r\n\0"),
            ("\nGET / HTTP/1.1\r\n\r\n", "\0GET / HTTP/1.1\r\n\r\n"),
            ("\r\n\r\nGET / HTTP/1.1\n\n", "\r\n\r\nGET / HTTP/1.1\0\n"),
        ] {
            check(sent, expected);
        }
    }

    #[test]
    fn no_byte_of_a_body_is_touched_and_the_next_head_is_watched() {
        let next = "GET / HTTP/1.1\r\nx: y\n\r\n";
        let spoiled = next.replace("y\n", "y\0");
        for request in [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "\r\n\r\nPOST / HTTP/1.1\r\nContent-Length:  6 \r\n\r\n\n\n\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\n\n\r\n\n\r\n00b;x=b\r\n\n0\r\n\r\n\r\n\r\na\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\nx: y\r\n\n: z\r\n\r\n",
            "CONNECT x HTTP/1.1\r\ncontent-length: 2\r\n\r\n\n\n",
            "CONNECT x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nupgrade: websocket\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
        ] {
            check(&format!("{request}{next}"), &format!("{request}{spoiled}"));
            check(&format!("{request}{request}{next}"), &format!("{request}{request}{spoiled}"));
        }
    }

    #[test]
    fn what_is_the_last_request_of_a_connection_has_everything_after_it() {
        for head in [
            "GET / HTTP/1.1\r\nupgrade: websocket\r\ncontent-length: 1\r\n\r\n",
            "CONNECT x HTTP/1.1\r\n\r\n",
            "CONNECT x HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            "CONNECT x HTTP/1.1\r\nupgrade: websocket\r\ncontent-length: 1\r\n\r\n",
        ] {
            check(&format!("{head}\nno head\n"), &format!("{head}\nno head\n"));
        }
    }
}
