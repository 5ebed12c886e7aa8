//! `attachment_chunks`: the bytes of files in pieces, each compressed where that pays. Nobody ever has a whole file in memory.

use anyhow::{Context, ensure};
use bytes::Bytes;
use sqlx::PgExecutor;

use super::{Attachment, NewAttachment};
use crate::domain::ids::ProjectId;
use crate::store::{Tx, copy};

/// Bytes of a file in one piece.
pub const CHUNK_LEN: usize = 256 << 10;
/// zstd level, as for events.
const LEVEL: i32 = 3;
/// A piece is kept compressed if that spares at least one part in so many: pictures and archives are as small as they get.
const WORTH_PART: usize = 10;

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// zstd; else the bytes as they are.
    pub is_packed: bool,
    /// What is stored.
    pub content: Bytes,
}

impl Chunk {
    /// Compresses the piece, or keeps it as it is: `plain` then makes it of these bytes, without copying them where it can.
    pub fn pack(bytes: &[u8], plain: impl FnOnce(&[u8]) -> Bytes) -> Self {
        match zstd::bulk::compress(bytes, LEVEL) {
            Ok(packed) if packed.len() + bytes.len() / WORTH_PART < bytes.len() => Self { is_packed: true, content: packed.into() },
            _ => Self { is_packed: false, content: plain(bytes) },
        }
    }

    /// The bytes of the file.
    pub fn unpack(self) -> anyhow::Result<Bytes> {
        if !self.is_packed {
            return Ok(self.content);
        }
        let bytes = zstd::bulk::decompress(&self.content, CHUNK_LEN).context("unpacking a piece of an attachment")?;
        ensure!(!bytes.is_empty(), "a piece of an attachment is empty");
        Ok(bytes.into())
    }
}

/// Stores the bytes of files whose rows were just inserted.
pub async fn insert(tx: &mut Tx, files: &[&NewAttachment]) -> sqlx::Result<()> {
    let statement =
        "COPY attachment_chunks (project_id, attachment_id, number, received_at, is_packed, content) FROM STDIN (FORMAT binary)";
    let mut chunks: Vec<(&NewAttachment, i32, &Chunk)> = Vec::new();
    for file in files {
        chunks.extend((0..).zip(&file.chunks).map(|(number, chunk)| (*file, number, chunk)));
    }
    copy::rows(tx, statement, chunks, 6, |row, (file, number, chunk)| {
        row.int8(file.project_id.0).bytes(file.attachment_id.as_bytes()).int4(number).time(file.received_at);
        row.bool(chunk.is_packed).bytes(&chunk.content);
    })
    .await
}

/// A piece of a file; `None` where it is not kept any more.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, of: &Attachment, number: i32) -> sqlx::Result<Option<Chunk>> {
    let row = sqlx::query!(
        r#"
        SELECT is_packed, content
        FROM attachment_chunks
        WHERE project_id = $1 AND attachment_id = $2 AND number = $3 AND received_at = $4
        "#,
        project.0,
        of.attachment_id,
        number,
        of.received_at
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Chunk { is_packed: row.is_packed, content: row.content.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut seed = 7_u64;
        let mut byte = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as u8
        };
        (0..len).map(|_| byte()).collect()
    }

    #[test]
    fn text_is_compressed_and_noise_is_not() {
        let text = b"WARNING retrying the payment\n".repeat(5_000);
        let packed = Chunk::pack(&text, Bytes::copy_from_slice);
        assert!(packed.is_packed && packed.content.len() * 20 < text.len());
        assert_eq!(packed.unpack().expect("own pieces are readable"), text);
        let noise = noise(CHUNK_LEN);
        let kept = Chunk::pack(&noise, Bytes::copy_from_slice);
        assert!(!kept.is_packed);
        assert_eq!(kept.unpack().expect("own pieces are readable"), noise);
    }

    #[test]
    fn a_damaged_piece_is_an_error_and_no_bomb() {
        assert!(Chunk { is_packed: true, content: Bytes::from_static(b"not zstd") }.unpack().is_err());
        let bomb = zstd::bulk::compress(&vec![0; CHUNK_LEN + 1], 3).expect("zstd compresses");
        assert!(Chunk { is_packed: true, content: bomb.into() }.unpack().is_err());
    }
}
