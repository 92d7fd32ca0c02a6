//! Addresses to functions: the kernel's by `/proc/kallsyms`, a process's by the symbol tables of the files that it has
//! mapped and by the map that a just-in-time compiler writes (`/tmp/perf-PID.map` in its own root).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;

use blazesym::MaybeDefault;
use blazesym::Pid;
use blazesym::symbolize::source::{Kernel, Process, Source};
use blazesym::symbolize::{Input, Sym, Symbolized, Symbolizer};
use sonde_bpf::profile::Stack;
use sonde_model::Frame;

/// Names of C++ and Rust can have kilobytes.
const NAME_CHARS_MAX: usize = 300;

/// A stack with its functions.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// Numbers of functions, outermost first.
    pub(super) frames: Vec<u32>,
    /// The process was gone.
    pub(super) gone: bool,
    /// The innermost place has no name.
    pub(super) unnamed: bool,
}

/// Every function that was met.
pub(super) struct Symbols {
    symbolizer: Symbolizer,
    frames: Vec<Frame>,
    numbers: HashMap<Frame, u32>,
    kernel: HashMap<u64, u32>,
}

impl Symbols {
    pub(super) fn new() -> Self {
        let symbolizer = Symbolizer::builder()
            .enable_code_info(false)
            .enable_inlined_fns(false)
            .build();
        Self {
            symbolizer,
            frames: Vec::new(),
            numbers: HashMap::new(),
            kernel: HashMap::new(),
        }
    }

    pub(super) fn into_frames(self) -> Vec<Frame> {
        self.frames
    }

    /// The names of stacks that were taken just now.
    pub(super) fn name(&mut self, stacks: &[Stack]) -> Vec<Named> {
        self.learn_kernel(stacks);
        let mut by_process: HashMap<u32, BTreeSet<u64>> = HashMap::new();
        for stack in stacks {
            by_process
                .entry(stack.pid)
                .or_default()
                .extend(calls(&stack.user));
        }
        let mut user: HashMap<(u32, u64), (u32, bool)> = HashMap::new();
        let mut gone: HashSet<u32> = HashSet::new();
        for (pid, addresses) in by_process {
            let addresses: Vec<u64> = addresses.into_iter().collect();
            if addresses.is_empty() {
                continue;
            }
            match self.of_process(pid, &addresses) {
                Some(named) => user.extend(addresses.into_iter().zip(named).map(|(at, it)| ((pid, at), it))),
                None => drop(gone.insert(pid)),
            }
        }
        stacks.iter().map(|stack| self.one(stack, &user, &gone)).collect()
    }

    fn one(&mut self, stack: &Stack, user: &HashMap<(u32, u64), (u32, bool)>, gone: &HashSet<u32>) -> Named {
        let mut named = Named {
            gone: gone.contains(&stack.pid) && !stack.user.is_empty(),
            ..Named::default()
        };
        // Innermost first until it is turned round.
        if stack.lost {
            named.frames.push(self.number(plain("[stack lost]")));
        }
        named
            .frames
            .extend(calls(&stack.kernel).filter_map(|address| self.kernel.get(&address).copied()));
        if named.gone {
            named.frames.push(self.number(plain("[process ended]")));
        } else {
            let own: Vec<_> = calls(&stack.user)
                .filter_map(|address| user.get(&(stack.pid, address)).copied())
                .collect();
            let first = own.first().is_some_and(|(_, is_named)| !is_named);
            named.unnamed = stack.kernel.is_empty() && first;
            named.frames.extend(own.into_iter().map(|(number, _)| number));
        }
        named.frames.reverse();
        named
    }

    fn learn_kernel(&mut self, stacks: &[Stack]) {
        let new: BTreeSet<u64> = stacks
            .iter()
            .flat_map(|stack| calls(&stack.kernel))
            .filter(|address| !self.kernel.contains_key(address))
            .collect();
        if new.is_empty() {
            return;
        }
        let new: Vec<u64> = new.into_iter().collect();
        // The table of the running kernel tells all that is needed; an image of it may not even be this one's.
        let kernel = Kernel {
            vmlinux: MaybeDefault::None,
            debug_syms: false,
            ..Kernel::default()
        };
        let found = self
            .symbolizer
            .symbolize(&Source::Kernel(kernel), Input::AbsAddr(&new));
        let names: Vec<Option<String>> = match found {
            Ok(found) => found
                .iter()
                .map(|it| it.as_sym().map(|it| it.name.to_string()))
                .collect(),
            Err(_) => vec![None; new.len()],
        };
        for (address, name) in new.into_iter().zip(names) {
            let number = self.number(Frame {
                name: clipped(&name.unwrap_or_else(|| format!("[kernel]+{address:#x}"))),
                module: String::new(),
                kernel: true,
            });
            self.kernel.insert(address, number);
        }
    }

    /// The functions of a process, each with whether it has a name; `None` where the process is gone.
    fn of_process(&mut self, pid: u32, addresses: &[u64]) -> Option<Vec<(u32, bool)>> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let mut process = Process::new(Pid::from(pid));
        process.debug_syms = false;
        let found = self
            .symbolizer
            .symbolize(&Source::Process(process), Input::AbsAddr(addresses));
        let named: Vec<Option<Frame>> = match &found {
            Ok(found) => found.iter().map(|it| of_symbol(it)).collect(),
            Err(_) => vec![None; addresses.len()],
        };
        let named = addresses.iter().zip(named).map(|(address, frame)| {
            let is_named = frame.is_some();
            (
                self.number(frame.unwrap_or_else(|| place(&maps, *address))),
                is_named,
            )
        });
        Some(named.collect())
    }

    fn number(&mut self, frame: Frame) -> u32 {
        if let Some(number) = self.numbers.get(&frame) {
            return *number;
        }
        let number = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        self.frames.push(frame.clone());
        self.numbers.insert(frame, number);
        number
    }
}

/// Where the calls are: but for the innermost, an address is where its call returns to, which may be the next function.
fn calls(addresses: &[u64]) -> impl Iterator<Item = u64> + '_ {
    let back = |(at, address): (usize, &u64)| address.saturating_sub(u64::from(at > 0));
    addresses.iter().enumerate().map(back)
}

fn of_symbol(found: &Symbolized<'_>) -> Option<Frame> {
    let Sym { name, module, .. } = found.as_sym()?;
    let module = module.as_ref().map(|module| module.to_string_lossy());
    Some(Frame {
        name: clipped(name),
        module: module.as_deref().map(file_name).unwrap_or_default(),
        kernel: false,
    })
}

fn plain(name: &str) -> Frame {
    Frame {
        name: name.to_owned(),
        module: String::new(),
        kernel: false,
    }
}

/// `libc.so.6+0x1234`, by the process's map.
fn place(maps: &str, address: u64) -> Frame {
    let within = maps.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        let (start, end) = (hex(start)?, hex(end)?);
        if !(start..end).contains(&address) {
            return None;
        }
        let offset = hex(words.nth(1)?)?;
        let path = words.nth(2).unwrap_or("[anonymous]");
        Some((file_name(path), address - start + offset))
    });
    let (module, offset) = within.unwrap_or_else(|| ("[unknown]".to_owned(), address));
    Frame {
        name: format!("{module}+{offset:#x}"),
        module,
        kernel: false,
    }
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

fn clipped(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_without_a_name_is_its_file_and_offset() {
        let maps = "55e0-55f0 r--p 00000000 fe:00 7 /usr/bin/app\n55f0-5600 r-xp 00001000 fe:00 7 /usr/bin/app\n\
            7000-7100 rwxp 00000000 00:00 0\n";
        assert_eq!(place(maps, 0x55f8).name, "app+0x1008");
        assert_eq!(place(maps, 0x7010).name, "[anonymous]+0x10");
        assert_eq!(place(maps, 0x9000).name, "[unknown]+0x9000");
        assert_eq!(place("broken", 1).name, "[unknown]+0x1");
    }

    #[test]
    fn a_call_lies_before_where_it_returns_to() {
        assert_eq!(calls(&[10, 20, 0]).collect::<Vec<_>>(), [10, 19, 0]);
    }
}
