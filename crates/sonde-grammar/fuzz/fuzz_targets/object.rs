//! An object's JSON into the world, and the questions that everyone asks of it.
#![no_main]

use sonde_model::Kind;
use sonde_world::World;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (kind, bytes) = input;
    let hint = [None, Some(Kind::Pod), Some(Kind::Node), Some(Kind::Event)][usize::from(kind % 4)].clone();
    let mut world = World::new();
    let Ok(reference) = world.put_json(bytes.to_vec().into(), hint) else {
        return;
    };
    let snapshot = world.snapshot();
    assert!(snapshot.get(&reference).is_some());
    snapshot.root_owner(&reference);
    snapshot.events_about(&reference);
    snapshot.config_keys(&reference);
    let _decoded = snapshot.decode::<serde_json::Value>(&reference);
    assert!(world.remove(&reference));
});
