//! Runs other programs: without a shell, monitored, and stopped together with this process.
//!
//! Each program has its own process group. Ctrl-C and SIGTERM reach only this process, which sends SIGTERM to the whole
//! group, so that no child of cargo or of a host is left running.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The interval at which running programs, the stop flag and locks are polled.
const PAUSE: Duration = Duration::from_millis(50);

/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// Set when the user interrupts the command.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Makes SIGINT, SIGTERM and SIGHUP stop the running programs and then the command.
pub fn stop_on_signals() -> Result<()> {
    let mut signals = vec![signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    #[cfg(unix)]
    signals.push(signal_hook::consts::SIGHUP);
    for signal in signals {
        signal_hook::flag::register(signal, Arc::clone(&STOP))
            .context("signals cannot be handled")?;
    }
    Ok(())
}

/// Returns [`Interrupted`] if the user has interrupted the command.
pub fn check_stop() -> Result<()> {
    if STOP.load(Ordering::Relaxed) {
        return Err(Interrupted.into());
    }
    Ok(())
}

/// Waits for an exclusive lock on a file, held until the returned file is dropped.
pub fn lock(path: &Path) -> Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let file = File::create(path)?;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => check_stop()?,
            locked => {
                locked.with_context(|| format!("{} cannot be locked", path.display()))?;
                return Ok(file);
            }
        }
        thread::sleep(PAUSE);
    }
}

#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// A running program, which is stopped on drop.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Whether the program has a process group of its own.
    has_group: bool,
}

impl Running {
    /// Starts a program without input. Its output goes where this process's goes, unless the command says otherwise.
    pub fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Self::spawn(command, true)
    }

    /// Starts a program that reads this process's input. It stays in this process's group: only the group in the foreground
    /// can read from a terminal.
    fn start_with_input(command: &mut Command) -> Result<Self> {
        Self::spawn(command, false)
    }

    fn spawn(command: &mut Command, has_group: bool) -> Result<Self> {
        let child = command.spawn();
        let child = child.with_context(|| format!("{} cannot be started", name_of(command)))?;
        Ok(Self { child, has_group })
    }

    /// Returns the process id, which is also the process group's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the exit status if the program has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait();
        status.context("a program cannot be waited for")
    }

    /// Sends SIGTERM, or SIGKILL if `kill` is set, to the program and its process group.
    #[cfg(unix)]
    fn end_group(&mut self, kill: bool) {
        use rustix::process::{Pid, Signal, kill_process, kill_process_group};
        let signal = if kill { Signal::KILL } else { Signal::TERM };
        let send = if self.has_group {
            kill_process_group
        } else {
            kill_process
        };
        let _ = send(Pid::from_child(&self.child), signal);
    }

    /// Other systems have no signal that requests an end, so this only kills.
    #[cfg(not(unix))]
    fn end_group(&mut self, kill: bool) {
        if kill {
            let _ = self.child.kill();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.end_group(false);
        let limit = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < limit {
            thread::sleep(PAUSE);
        }
        // The children in its group may still be running.
        if self.has_group || matches!(self.child.try_wait(), Ok(None)) {
            self.end_group(true);
        }
        let _ = self.child.wait();
    }
}

/// Runs a program to its end.
///
/// # Errors
/// Fails if the program cannot be started, or with [`Interrupted`] if the user interrupts it.
pub fn run(command: &mut Command) -> Result<ExitStatus> {
    wait(Running::start(command)?)
}

/// Runs a program that reads this process's input to its end.
///
/// # Errors
/// As for [`run`].
pub fn run_with_input(command: &mut Command) -> Result<ExitStatus> {
    wait(Running::start_with_input(command)?)
}

fn wait(running: Running) -> Result<ExitStatus> {
    Ok(wait_until(running, &STOP, None)?.expect("without a limit the program has ended"))
}

/// Runs a program that must succeed. On failure the error starts with `failed`.
pub fn run_checked(command: &mut Command, failed: &'static str) -> Result<()> {
    let status = run(command)?;
    ensure!(
        status.success(),
        "{failed}; the program's own message is above"
    );
    Ok(())
}

/// Runs a program for at most `limit`. Returns `None` if it took longer and was stopped.
pub fn run_for(command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
    wait_until(Running::start(command)?, &STOP, Some(limit))
}

fn wait_until(
    mut running: Running,
    stop: &AtomicBool,
    limit: Option<Duration>,
) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        let ended = running.ended()?;
        // Even if Ctrl-C has ended the program itself, report the interruption instead of its status.
        if stop.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        if ended.is_some() || limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Ok(ended);
        }
        thread::sleep(PAUSE);
    }
}

/// Returns the standard output of a fast program, or `None` if it is missing or fails.
pub fn stdout_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Returns the program's file name.
fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_programs_own() {
        let status = run(Command::new("sh").args(["-c", "exit 3"])).expect("sh starts");
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn only_a_program_that_is_passed_on_to_reads_the_input() {
        for (reads, run) in [
            (false, run as fn(&mut Command) -> _),
            (true, run_with_input),
        ] {
            let mut echo = Command::new("echo");
            let echo = echo.arg("hello").stdout(Stdio::piped()).spawn();
            let input = echo.expect("echo starts").stdout.expect("it is piped");
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "read line && test \"$line\" = hello"])
                .stdin(input);
            assert_eq!(run(&mut shell).expect("sh starts").success(), reads);
        }
    }

    #[test]
    fn a_program_without_a_group_of_its_own_is_ended_too() {
        let started = Instant::now();
        let running =
            Running::start_with_input(Command::new("sleep").arg("60")).expect("sleep starts");
        let error = wait_until(running, &AtomicBool::new(true), None).expect_err("it was stopped");
        assert!(error.is::<Interrupted>());
        assert!(started.elapsed() < GRACE);
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let started = Instant::now();
        let limit = Duration::from_millis(100);
        let ended = run_for(Command::new("sleep").arg("60"), limit).expect("sleep starts");
        assert!(ended.is_none());
        assert!(started.elapsed() < GRACE);
    }

    #[test]
    fn a_stop_ends_the_program_and_what_it_started() {
        let stop = AtomicBool::new(true);
        let started = Instant::now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & wait"]);
        let running = Running::start(&mut command).expect("sh starts");
        let error = wait_until(running, &stop, None).expect_err("it was stopped");
        assert!(error.is::<Interrupted>());
        assert!(started.elapsed() < GRACE);
    }

    #[test]
    fn a_missing_program_is_named_without_its_folder() {
        let error = run(&mut Command::new("/no/such/program")).expect_err("there is none");
        assert_eq!(error.to_string(), "program cannot be started");
    }
}
