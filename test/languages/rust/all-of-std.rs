// Uses what programs in Rust use of WASI. Each line of the result is one check that failed; `[]` is all well.
use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let mut event = String::new();
    std::io::stdin().read_to_string(&mut event).unwrap();
    match event.as_str() {
        "{\"do\":\"panic\"}" => panic!("asked to"),
        "{\"do\":\"exit\"}" => std::process::exit(7),
        _ => {}
    }
    let mut failed: Vec<String> = Vec::new();
    let mut check = |good: bool, what: &str| {
        if !good {
            failed.push(format!("\"{}\"", what));
        }
    };
    check(std::env::args().count() == 1, "arguments");
    check(std::env::var("COLOUR").as_deref() == Ok("blue"), "a variable");
    check(std::env::var("PEERLESS_REQUEST_ID").map(|id| id.len()) == Ok(36), "the request");
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    check(before.elapsed() >= Duration::from_millis(19), "a sleep");
    check(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() > 1_700_000_000, "the time of day");
    // Seeded by the system.
    let map: HashMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
    check(map.len() == 1000 && map[&999] == 999, "a map");

    let _ = fs::remove_dir_all("/tmp/rust");
    check(fs::create_dir_all("/tmp/rust/deep/down").is_ok(), "folders");
    check(fs::write("/tmp/rust/deep/a", "hello, world").is_ok(), "a file");
    let mut file = fs::OpenOptions::new().read(true).write(true).open("/tmp/rust/deep/a").unwrap();
    let mut rest = String::new();
    check(file.seek(SeekFrom::Start(7)).is_ok() && file.read_to_string(&mut rest).is_ok() && rest == "world", "seeking");
    check(file.write_all(b"!").is_ok() && file.sync_all().is_ok() && file.metadata().unwrap().len() == 13, "writing on");
    check(file.set_len(5).is_ok(), "cutting");
    drop(file);
    let modified = fs::metadata("/tmp/rust/deep/a").and_then(|about| about.modified()).unwrap();
    check(SystemTime::now().duration_since(modified).map(|age| age.as_secs() < 60).unwrap_or(false), "the time of a file");
    check(fs::File::create("/tmp/rust/deep").is_err(), "a folder that is not written");
    check(fs::read_to_string("/tmp/rust/deep/a").ok().as_deref() == Some("hello"), "reading");
    check(fs::rename("/tmp/rust/deep/a", "/tmp/rust/b").is_ok() && fs::copy("/tmp/rust/b", "/tmp/rust/c").ok() == Some(5), "renaming and copying");
    let mut names: Vec<String> = fs::read_dir("/tmp/rust").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    check(names == ["b", "c", "deep"], "a listing");
    check(fs::remove_dir_all("/tmp/rust").is_ok() && fs::metadata("/tmp/rust").is_err(), "removing all");
    check(fs::read("/var/task/data/text.txt").ok().as_deref() == Some(b"of the bundle\n"), "a file of the bundle");
    check(fs::read_to_string("data/text.txt").is_ok(), "the working directory");
    check(fs::write("/var/task/new", "x").is_err(), "a bundle that is read-only");
    check(fs::read("/etc/passwd").err().map(|error| error.kind()) != Some(ErrorKind::PermissionDenied), "the way it is refused");
    check(fs::read("/etc/passwd").is_err(), "nothing of the machine");
    check(fs::read("/tmp/../etc/passwd").is_err() && fs::read("/var/task/../../etc/passwd").is_err(), "no way out");
    check(std::net::TcpStream::connect("127.0.0.1:1").is_err(), "no sockets");
    check(std::panic::catch_unwind(|| 1).is_ok(), "a closure");
    let mut big: Vec<u8> = Vec::new();
    check(big.try_reserve(1 << 30).is_err() || true, "a gigabyte");
    println!("[{}]", failed.join(","));
}
