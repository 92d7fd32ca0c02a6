//! The files of a bundle, into whatever form the path asks for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Where files go. What was begun and not finished is removed.
pub(super) struct Sink {
    form: Form,
    target: PathBuf,
    /// Written to first; renamed to the target at the end.
    partial: PathBuf,
    /// Seconds since 1970 that files of an archive carry: the time of the bundle, so that the same facts give the same bytes.
    time: u64,
}

enum Form {
    Tar(Option<tar::Builder<Packer>>),
    Zip(Option<Box<zip::ZipWriter<File>>>),
    Folder,
}

enum Packer {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::stream::write::Encoder<'static, BufWriter<File>>),
}

/// zstd's default: the bundle of a large cluster is written in seconds.
const ZSTD_LEVEL: i32 = 3;

impl Sink {
    pub(super) fn create(path: &Path, time: Option<Timestamp>) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?
            .to_string_lossy()
            .into_owned();
        let partial = path.with_file_name(format!(".{name}.partial-{}", std::process::id()));
        let create = || File::create(&partial);
        let form = if name.ends_with(".tar.zst") || name.ends_with(".tzst") {
            let encoder = zstd::stream::write::Encoder::new(BufWriter::new(create()?), ZSTD_LEVEL)?;
            Form::tar(Packer::Zstd(encoder))
        } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
            let file = BufWriter::new(create()?);
            let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
            Form::tar(Packer::Gzip(encoder))
        } else if name.ends_with(".tar") {
            Form::tar(Packer::Plain(BufWriter::new(create()?)))
        } else if name.ends_with(".zip") {
            Form::Zip(Some(Box::new(zip::ZipWriter::new(create()?))))
        } else {
            if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "the folder is not empty",
                ));
            }
            fs::create_dir_all(&partial)?;
            Form::Folder
        };
        Ok(Self {
            form,
            target: path.to_owned(),
            partial,
            time: time.map_or(0, |time| u64::try_from(time.as_second()).unwrap_or(0)),
        })
    }

    /// Writes one file.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        match &mut self.form {
            Form::Tar(Some(builder)) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o644);
                header.set_mtime(self.time);
                builder.append_data(&mut header, path, bytes)
            }
            Form::Zip(Some(writer)) => {
                let options = zip::write::SimpleFileOptions::default()
                    .compression_method(zip::CompressionMethod::Deflated)
                    .large_file(bytes.len() as u64 >= u64::from(u32::MAX));
                writer.start_file(path, options).map_err(io::Error::other)?;
                writer.write_all(bytes)
            }
            Form::Folder => {
                let path = self.partial.join(path);
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(path, bytes)
            }
            Form::Tar(None) | Form::Zip(None) => Err(io::Error::other("the bundle is finished")),
        }
    }

    /// Ends the bundle and puts it in its place.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Tar(builder) => {
                if let Some(builder) = builder.take() {
                    builder.into_inner()?.finish()?.sync_all()?;
                }
            }
            Form::Zip(writer) => {
                if let Some(writer) = writer.take() {
                    writer.finish().map_err(io::Error::other)?.sync_all()?;
                }
            }
            Form::Folder => {
                // An empty folder of the target's name is in the way of the rename.
                if self.target.is_dir() {
                    fs::remove_dir(&self.target)?;
                }
            }
        }
        fs::rename(&self.partial, &self.target)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Nothing is there after a rename; else nothing can be done about what cannot be removed.
        let _removed = match self.form {
            Form::Folder => fs::remove_dir_all(&self.partial),
            _ => fs::remove_file(&self.partial),
        };
    }
}

impl Form {
    fn tar(packer: Packer) -> Self {
        Form::Tar(Some(tar::Builder::new(packer)))
    }
}

impl Packer {
    fn finish(self) -> io::Result<File> {
        let file = match self {
            Packer::Plain(file) => file,
            Packer::Gzip(encoder) => encoder.finish()?,
            Packer::Zstd(encoder) => encoder.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packer::Plain(file) => file.write(bytes),
            Packer::Gzip(encoder) => encoder.write(bytes),
            Packer::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packer::Plain(file) => file.flush(),
            Packer::Gzip(encoder) => encoder.flush(),
            Packer::Zstd(encoder) => encoder.flush(),
        }
    }
}
