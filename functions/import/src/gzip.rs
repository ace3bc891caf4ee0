//! Unpacks gzip, of one member or several.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use model::import::FileRefusal;

/// Unpacks at most this: as large as the largest file, so that nothing small unpacks to more.
pub(crate) const MAX_UNPACKED_BYTES: u64 = 10 * 1024 * 1024 * 1024;

/// Tells whether bytes start like gzip.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Reads what is packed; its errors are refusals of the file, or those of the source.
pub(crate) struct Unpacked<R> {
    decoder: MultiGzDecoder<BufReader<Watched<R>>>,
    left: u64,
}

impl<R: Read> Unpacked<R> {
    pub(crate) fn new(packed: R, max_bytes: u64) -> Self {
        let watched = Watched { inner: packed, has_failed: false };
        Self { decoder: MultiGzDecoder::new(BufReader::new(watched)), left: max_bytes }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.decoder.read(buffer) {
            Ok(count) => count as u64,
            Err(error) if self.decoder.get_ref().get_ref().has_failed => return Err(error),
            Err(error) => {
                let detail = format!("the file is damaged gzip ({error}); pack it anew");
                return Err(io::Error::other(FileRefusal::new("malformed_gzip", detail)));
            }
        };
        self.left = self.left.checked_sub(count).ok_or_else(|| {
            let detail = "the file unpacks to more than the largest file that is taken; split it";
            io::Error::other(FileRefusal::new("file_too_large", detail))
        })?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// Remembers whether an error was the source's.
struct Watched<R> {
    inner: R,
    has_failed: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|_| self.has_failed = true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::records::ReadFault;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: impl Read, max_bytes: u64) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        match Unpacked::new(packed, max_bytes).read_to_end(&mut text).map_err(ReadFault::from) {
            Ok(_) => Ok(text),
            Err(ReadFault::Refused(refusal)) => Err(refusal.code),
            Err(ReadFault::Io(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn members_one_after_the_other_are_one_text() {
        let both = [packed(b"one\n"), packed(b"two\n")].concat();
        assert_eq!(unpacked(both.as_slice(), 8), Ok(b"one\ntwo\n".to_vec()));
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let bomb = packed(&vec![0; 1024 * 1024]);
        assert!(bomb.len() < 2048);
        assert_eq!(unpacked(bomb.as_slice(), 1024 * 1024 - 1), Err("file_too_large".into()));
    }

    #[test]
    fn damage_is_told_from_a_source_that_fails() {
        let whole = packed(b"one\n");
        let (half, _) = whole.split_at(whole.len() - 3);
        assert_eq!(unpacked(half, 8), Err("malformed_gzip".into()));
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("reset"))
            }
        }
        assert_eq!(unpacked(half.chain(Failing), 8), Err("reset".into()));
    }
}
