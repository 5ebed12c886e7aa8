//! What a minidump says of the crash without symbols: reason, address, system, and in which module it happened.
//!
//! The file is hostile: every offset and count in it is checked, and whatever is not there is not known. Layouts are those of Microsoft's
//! `minidumpapiset.h`; Breakpad and Crashpad write the same files with exception codes of their own systems.

/// Most streams and modules that are looked at.
const ENTRIES_MAX: u32 = 4_096;
/// Bytes of a module in the list of modules.
const MODULE_LEN: usize = 108;
/// Longest name of a module, in UTF-16 units.
const NAME_LEN_MAX: usize = 1_024;

const MODULE_LIST: u32 = 4;
const EXCEPTION: u32 = 6;
const SYSTEM_INFO: u32 = 7;

/// What is known of a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// `SIGSEGV`, `EXCEPTION_ACCESS_VIOLATION`, or the code in hexadecimal digits.
    pub reason: Option<String>,
    /// Where the program was, or what it touched.
    pub address: Option<u64>,
    /// `Windows`, `macOS`, `Linux`, ….
    pub system: Option<&'static str>,
    /// `x86_64`, `arm64`, ….
    pub processor: Option<&'static str>,
    /// File name of the module that holds the address, with the offset in it.
    pub module: Option<(String, u64)>,
    /// File name of the program: the first module.
    pub program: Option<String>,
    /// When it was written, in seconds since 1970.
    pub written_at: Option<u32>,
}

/// Reads what can be read; `None`: it is no minidump.
pub fn read(file: &[u8]) -> Option<Crash> {
    if !file.starts_with(b"MDMP") {
        return None;
    }
    let mut crash = Crash { written_at: u32_at(file, 20).filter(|at| *at > 0), ..Crash::default() };
    let (count, directory) = (u32_at(file, 8).unwrap_or(0).min(ENTRIES_MAX), u32_at(file, 12).unwrap_or(0));
    let stream = |kind: u32| {
        let mut entries = (0..count as usize).map(|index| (directory as usize).saturating_add(index * 12));
        let at = entries.find(|at| u32_at(file, *at) == Some(kind))?;
        file.get(u32_at(file, at + 8)? as usize..)?.get(..u32_at(file, at + 4)? as usize)
    };
    let platform = stream(SYSTEM_INFO).map(|info| system(info, &mut crash)).unwrap_or(0);
    if let Some(exception) = stream(EXCEPTION) {
        let code = u32_at(exception, 8);
        crash.address = u64_at(exception, 24);
        crash.reason = code.filter(|code| *code != 0).map(|code| reason(platform, code));
    }
    if let Some(modules) = stream(MODULE_LIST) {
        find_module(file, modules, &mut crash);
    }
    Some(crash)
}

/// Answers the platform id.
fn system(info: &[u8], crash: &mut Crash) -> u32 {
    crash.processor = match u16_at(info, 0) {
        Some(0) => Some("x86"),
        Some(5) => Some("arm"),
        Some(9) => Some("x86_64"),
        Some(12 | 0x8003) => Some("arm64"),
        _ => None,
    };
    let platform = u32_at(info, 20).unwrap_or(0);
    crash.system = match platform {
        1 | 2 => Some("Windows"),
        0x8101 => Some("macOS"),
        0x8102 => Some("iOS"),
        0x8201 => Some("Linux"),
        0x8203 => Some("Android"),
        _ => None,
    };
    platform
}

fn reason(platform: u32, code: u32) -> String {
    let windows = [
        (0x8000_0003, "EXCEPTION_BREAKPOINT"),
        (0xc000_0005, "EXCEPTION_ACCESS_VIOLATION"),
        (0xc000_0006, "EXCEPTION_IN_PAGE_ERROR"),
        (0xc000_001d, "EXCEPTION_ILLEGAL_INSTRUCTION"),
        (0xc000_0094, "EXCEPTION_INT_DIVIDE_BY_ZERO"),
        (0xc000_00fd, "EXCEPTION_STACK_OVERFLOW"),
        (0xc000_0374, "STATUS_HEAP_CORRUPTION"),
        (0xc000_0409, "STATUS_STACK_BUFFER_OVERRUN"),
        (0xe06d_7363, "Unhandled C++ exception"),
    ];
    let apple = [
        (1, "EXC_BAD_ACCESS"),
        (2, "EXC_BAD_INSTRUCTION"),
        (3, "EXC_ARITHMETIC"),
        (5, "EXC_SOFTWARE"),
        (6, "EXC_BREAKPOINT"),
        (10, "EXC_CRASH"),
        (11, "EXC_RESOURCE"),
        (12, "EXC_GUARD"),
    ];
    let unix =
        [(4, "SIGILL"), (5, "SIGTRAP"), (6, "SIGABRT"), (7, "SIGBUS"), (8, "SIGFPE"), (11, "SIGSEGV"), (16, "SIGSTKFLT"), (31, "SIGSYS")];
    let names: &[(u32, &str)] = match platform {
        0x8101 | 0x8102 => &apple,
        0x8201..=0x8203 => &unix,
        _ => &windows,
    };
    let known = names.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| format!("0x{code:08x}"), |(_, name)| (*name).to_owned())
}

fn find_module(file: &[u8], modules: &[u8], crash: &mut Crash) {
    let count = u32_at(modules, 0).unwrap_or(0).min(ENTRIES_MAX) as usize;
    for index in 0..count {
        let at = 4 + index * MODULE_LEN;
        let (Some(base), Some(len), Some(name_at)) = (u64_at(modules, at), u32_at(modules, at + 8), u32_at(modules, at + 20)) else {
            return;
        };
        if index == 0 {
            crash.program = name(file, name_at as usize);
        }
        let offset = crash.address.and_then(|address| address.checked_sub(base)).filter(|offset| *offset < u64::from(len));
        if let Some(offset) = offset {
            crash.module = name(file, name_at as usize).map(|name| (name, offset));
        }
    }
}

/// The last part of the path of a module.
fn name(file: &[u8], at: usize) -> Option<String> {
    let len = (u32_at(file, at)? as usize / 2).min(NAME_LEN_MAX);
    let text = file.get(at + 4..)?.get(..len * 2)?;
    let units: Vec<u16> = text.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let path = String::from_utf16_lossy(&units);
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    Some(clean).filter(|name| !name.is_empty())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Linux program that died of a bad address in its first module.
    fn dump() -> Vec<u8> {
        let mut file = vec![0; 32];
        let mut directory = Vec::new();
        let mut add = |kind: u32, stream: &[u8]| {
            directory
                .extend_from_slice(&[kind.to_le_bytes(), (stream.len() as u32).to_le_bytes(), (file.len() as u32).to_le_bytes()].concat());
            file.extend_from_slice(stream);
        };
        let path: Vec<u8> = "/srv/bin/worker".encode_utf16().flat_map(u16::to_le_bytes).collect();
        add(0xffff, &[&(path.len() as u32).to_le_bytes()[..], &path].concat()); // at 32
        let mut info = vec![0; 56];
        info[0] = 9;
        info[20..24].copy_from_slice(&0x8201_u32.to_le_bytes());
        add(SYSTEM_INFO, &info);
        let mut exception = vec![0; 168];
        exception[8] = 11;
        exception[24..32].copy_from_slice(&0x40_1234_u64.to_le_bytes());
        add(EXCEPTION, &exception);
        let mut modules = vec![0; 4 + MODULE_LEN];
        modules[0] = 1;
        modules[4..12].copy_from_slice(&0x40_0000_u64.to_le_bytes());
        modules[12..16].copy_from_slice(&0x1_0000_u32.to_le_bytes());
        modules[24..28].copy_from_slice(&32_u32.to_le_bytes());
        add(MODULE_LIST, &modules);
        let at = file.len() as u32;
        file.extend_from_slice(&directory);
        file[..4].copy_from_slice(b"MDMP");
        file[8..12].copy_from_slice(&4_u32.to_le_bytes());
        file[12..16].copy_from_slice(&at.to_le_bytes());
        file
    }

    #[test]
    fn reason_address_and_module_are_read() {
        let crash = read(&dump()).expect("a minidump");
        assert_eq!((crash.reason.as_deref(), crash.address), (Some("SIGSEGV"), Some(0x40_1234)));
        assert_eq!((crash.system, crash.processor), (Some("Linux"), Some("x86_64")));
        assert_eq!((crash.module, crash.program.as_deref()), (Some(("worker".to_owned(), 0x1234)), Some("worker")));
    }

    #[test]
    fn other_systems_have_other_codes() {
        assert_eq!(reason(2, 0xc000_0005), "EXCEPTION_ACCESS_VIOLATION");
        assert_eq!(reason(0x8101, 1), "EXC_BAD_ACCESS");
        assert_eq!(reason(0x8201, 0xffff), "0x0000ffff");
    }

    #[test]
    fn whatever_is_cut_or_changed_is_read_as_far_as_it_goes() {
        let whole = dump();
        for len in 0..whole.len() {
            let _ = read(&whole[..len]);
        }
        assert_eq!(read(b"MZ"), None);
        assert_eq!(read(b"MDMP"), Some(Crash::default()));
        for at in 4..whole.len() {
            let mut changed = whole.clone();
            changed[at] = 0xff;
            assert!(read(&changed).is_some());
            changed[at..].fill(0xff);
            assert!(read(&changed).is_some());
        }
    }
}
