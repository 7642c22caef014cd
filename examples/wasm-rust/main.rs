// A WASI command in Rust: the event comes on standard input, what is printed is the result, standard error is the log.
use std::collections::BTreeMap;
use std::io::Read;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut event = String::new();
    std::io::stdin().read_to_string(&mut event)?;
    eprintln!("read {} bytes", event.len());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in event.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_insert(0) += 1;
    }
    let members: Vec<String> = counts.iter().map(|(word, count)| format!("\"{}\":{}", word, count)).collect();
    println!("{{{}}}", members.join(","));
    Ok(())
}
