//! Where a run took place.

use std::fs;

use serde::Serialize;

/// The machine of the generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Machine {
    /// Name, release and architecture of the kernel.
    kernel: String,
    /// What the processor calls itself; empty where it doesn't say.
    cpu: String,
    /// Cores that this process may use.
    cores: usize,
    /// All memory there is.
    memory_bytes: u64,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        let release = file("/proc/sys/kernel/osrelease");
        let kernel = format!("Linux {} {}", release.trim(), std::env::consts::ARCH);
        let cpu = value(&file("/proc/cpuinfo"), "model name").unwrap_or_default().to_owned();
        let kib = file("/proc/meminfo");
        let kib = value(&kib, "MemTotal").and_then(|it| it.strip_suffix(" kB")?.parse().ok());
        let cores = crate::cpus::allowed().map_or(0, |cores| cores.len());
        Self { kernel, cpu, cores, memory_bytes: kib.unwrap_or(0_u64) * 1024 }
    }
}

/// The value of the first line `name : value`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(key, _)| key.trim() == name);
    named.next().map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_knows_itself() {
        let machine = Machine::this();
        assert!(machine.kernel.starts_with("Linux "));
        assert!(machine.cores > 0 && machine.memory_bytes > 1 << 20);
    }

    #[test]
    fn values_stand_after_their_names() {
        let text = "processor\t: 0\nmodel name\t: A: B\n";
        assert_eq!(value(text, "model name"), Some("A: B"));
        assert_eq!(value(text, "model"), None);
    }
}
