//! The sockets that the agent listens on, and who may use them.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::{Accept, TlsAcceptor};

use super::Stream;
use crate::{AgentError, Options, tls};

/// The open sockets.
pub(crate) struct Door {
    unix: UnixListener,
    path: PathBuf,
    inode: u64,
    tcp: Option<TcpListener>,
    tls: Option<(TcpListener, TlsAcceptor)>,
}

/// Who came in: a stream, or one that must still show who it is.
pub(crate) enum Comer {
    Known(Box<dyn Stream>),
    Unknown(Box<Accept<TcpStream>>),
}

impl Door {
    /// Listens where the options say. The Unix socket is there only once its mode is right.
    pub(crate) fn open(options: &Options) -> Result<Self, AgentError> {
        let tcp = options.listen.map(listen_loopback).transpose()?;
        let tls = match &options.listen_tls {
            Some((address, files)) => Some((listen_tcp(*address)?, TlsAcceptor::from(tls::server(files)?))),
            None => None,
        };
        let path = options.socket.clone();
        let group = options.socket_group.as_deref().map(group_number).transpose()?;
        if UnixStream::connect(&path).is_ok() {
            return Err(AgentError::Taken { socket: path });
        }
        let listened = listen_unix(&path, group);
        let (unix, inode) = listened.map_err(|source| AgentError::Listen {
            socket: path.clone(),
            source,
        })?;
        Ok(Self {
            unix,
            path,
            inode,
            tcp,
            tls,
        })
    }

    /// The next connection.
    pub(crate) async fn next(&self) -> io::Result<Comer> {
        let over_tcp = async {
            match &self.tcp {
                Some(tcp) => tcp.accept().await,
                None => std::future::pending().await,
            }
        };
        let over_tls = async {
            match &self.tls {
                Some((tcp, acceptor)) => Ok::<_, io::Error>(acceptor.accept(tcp.accept().await?.0)),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.unix.accept() => Ok(Comer::Known(Box::new(accepted?.0))),
            accepted = over_tcp => Ok(Comer::Known(Box::new(accepted?.0))),
            accepted = over_tls => Ok(Comer::Unknown(Box::new(accepted?))),
        }
    }

    /// Removes the socket's file, unless another agent put its own there.
    pub(crate) fn close(&self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn listen_loopback(address: SocketAddr) -> Result<TcpListener, AgentError> {
    if !address.ip().is_loopback() {
        return Err(AgentError::NotLoopback { address });
    }
    listen_tcp(address)
}

fn listen_tcp(address: SocketAddr) -> Result<TcpListener, AgentError> {
    let failed = |source| AgentError::ListenTcp { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    TcpListener::from_std(listener).map_err(failed)
}

/// Binds under another name, sets owner and mode, and only then gives it its name: nobody finds it half open, and what an
/// agent left behind that was killed is replaced.
fn listen_unix(path: &Path, group: Option<u32>) -> io::Result<(UnixListener, u64)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    if let Ok(file) = fs::symlink_metadata(path)
        && !std::os::unix::fs::FileTypeExt::is_socket(&file.file_type())
    {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file of another kind",
        ));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let unnamed = path.with_file_name(name);
    // One that a process with our number left behind.
    let _ = fs::remove_file(&unnamed);
    let mask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let bound = UnixListener::bind(&unnamed);
    rustix::process::umask(mask);
    let listener = bound?;
    let finished = finish(&unnamed, path, group);
    if finished.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unnamed);
    }
    Ok((listener, finished?))
}

fn finish(unnamed: &Path, path: &Path, group: Option<u32>) -> io::Result<u64> {
    let mode = match group {
        Some(group) => {
            std::os::unix::fs::chown(unnamed, None, Some(group))?;
            0o660
        }
        None => 0o600,
    };
    fs::set_permissions(unnamed, Permissions::from_mode(mode))?;
    let inode = fs::symlink_metadata(unnamed)?.ino();
    fs::rename(unnamed, path)?;
    Ok(inode)
}

/// A group's number, by number or by its name in `/etc/group`.
fn group_number(name: &str) -> Result<u32, AgentError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    fs::read_to_string("/etc/group")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
        })
        .ok_or_else(|| AgentError::NoGroup {
            name: name.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_root_unless_a_group_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (group, expected) in [(None, 0o600), (Some("0"), 0o660)] {
            let options = Options {
                socket: folder.path().join("deep/agent.sock"),
                socket_group: group.map(ToOwned::to_owned),
                ..Options::default()
            };
            let door = match Door::open(&options) {
                Ok(door) => door,
                // Only root may give a file to another group.
                Err(AgentError::Listen { source, .. })
                    if group.is_some() && source.kind() == io::ErrorKind::PermissionDenied =>
                {
                    eprintln!("skipped: {source}");
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            let mode = fs::symlink_metadata(&options.socket).unwrap().mode();
            assert_eq!(mode & 0o777, expected);
            assert!(matches!(Door::open(&options), Err(AgentError::Taken { .. })));
            drop(door);
            assert!(options.socket.exists(), "as after SIGKILL");
            let door = Door::open(&options).unwrap();
            door.close();
            assert!(!options.socket.exists());
        }
    }

    #[tokio::test]
    async fn a_file_of_a_person_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("notes");
        fs::write(&socket, "mine").unwrap();
        let options = Options {
            socket: socket.clone(),
            ..Options::default()
        };
        assert!(matches!(Door::open(&options), Err(AgentError::Listen { .. })));
        assert_eq!(fs::read_to_string(&socket).unwrap(), "mine");
    }

    #[tokio::test]
    async fn answers_stay_on_the_machine() {
        let options = Options {
            listen: Some("0.0.0.0:0".parse().unwrap()),
            ..Options::default()
        };
        assert!(matches!(
            Door::open(&options),
            Err(AgentError::NotLoopback { .. })
        ));
    }
}
