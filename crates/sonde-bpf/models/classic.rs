//! Runs the model of the usual way to watch calls, until its standard input ends; then tells what it got and lost.
//!
//! `cargo xtask bench agent` compares Sonde's agent with it.

use std::cell::Cell;
use std::io::{self, Read as _};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{error, thread};

use libbpf_rs::{MapCore as _, MapFlags, ObjectBuilder, RingBufferBuilder};

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/classic.bpf.o"));

fn main() -> Result<(), Box<dyn error::Error>> {
    static ENDED: AtomicBool = AtomicBool::new(false);
    let object = ObjectBuilder::default().open_memory(OBJECT)?.load()?;
    let map = |name: &str| object.maps().find(|map| map.name() == name).ok_or("no such map");
    // What a reader of such events does at the least: the status by the first bytes, the method or command by the payload.
    let (got, failed) = (Rc::new(Cell::new(0_u64)), Rc::new(Cell::new(0_u64)));
    let (count, failures) = (got.clone(), failed.clone());
    let mut ring = RingBufferBuilder::new();
    let events = map("events")?;
    ring.add(&events, move |event: &[u8]| {
        count.set(count.get() + 1);
        if event.get(28) == Some(&b'-') || event.get(32..).is_some_and(|it| it.starts_with(b"HTTP/1.1 5")) {
            failures.set(failures.get() + 1);
        }
        0
    })?;
    let ring = ring.build()?;
    let mut links = Vec::new();
    for program in object.progs_mut() {
        links.push(program.attach()?);
    }
    eprintln!("watching");
    thread::spawn(|| {
        let _ended = io::stdin().read_to_end(&mut Vec::new());
        ENDED.store(true, Ordering::Relaxed);
    });
    while !ENDED.load(Ordering::Relaxed) {
        ring.poll(Duration::from_millis(100))?;
        ring.consume()?;
    }
    drop(links);
    let lost: u64 = object
        .maps()
        .find(|map| map.name() == "lost")
        .and_then(|map| {
            map.lookup_percpu(&0_u32.to_ne_bytes(), MapFlags::ANY)
                .ok()
                .flatten()
        })
        .iter()
        .flatten()
        .filter_map(|bytes| Some(u64::from_ne_bytes(bytes.as_slice().try_into().ok()?)))
        .sum();
    println!(
        "{{\"got\": {}, \"failed\": {}, \"lost\": {lost}}}",
        got.get(),
        failed.get()
    );
    Ok(())
}
