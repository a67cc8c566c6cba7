//! Objects written one after the other, with what the format needs around and between them.

use std::io::{self, Write};

use super::{Format, json};

/// A stream of objects in one format.
pub struct Stream<'w, W: Write> {
    format: Format,
    out: &'w mut W,
    empty: bool,
}

impl<'w, W: Write> Stream<'w, W> {
    /// Begins a stream.
    ///
    /// # Errors
    /// Those of the writer, as with all functions here.
    pub fn new(format: Format, out: &'w mut W) -> io::Result<Self> {
        if format == Format::Json {
            out.write_all(json::HEAD.as_bytes())?;
        }
        Ok(Self { format, out, empty: true })
    }

    /// Adds an object that [`Format::part`] made.
    pub fn add(&mut self, part: &str) -> io::Result<()> {
        if self.format == Format::Json && !self.empty {
            self.out.write_all(b",")?;
        }
        self.empty = false;
        self.out.write_all(part.as_bytes())
    }

    /// Ends the stream.
    pub fn end(self) -> io::Result<()> {
        if self.format == Format::Json {
            let tail = if self.empty { json::EMPTY_TAIL } else { json::TAIL };
            self.out.write_all(tail.as_bytes())?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_written_as_it_would_be_whole() {
        for items in [vec![], vec![json!({"a": [1, {"b": "x\ny"}]}), json!({"c": {}})]] {
            let mut out = Vec::new();
            let mut stream = Stream::new(Format::Json, &mut out).unwrap();
            for item in &items {
                stream.add(&Format::Json.part(item, None)).unwrap();
            }
            stream.end().unwrap();
            let whole = json::one(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
            assert_eq!(String::from_utf8(out).unwrap(), whole);
        }
    }
}
