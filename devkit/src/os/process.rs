//! Other programs: started without a shell, watched, and ended together with this one.
//!
//! A program runs in a process group of its own. Ctrl-C and SIGTERM reach only this program, which hands SIGTERM to the
//! whole group: nothing that cargo or a host started stays behind.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How often a running program and the stop flag are looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a program may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// Whether the user wants everything to end.
static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Has Ctrl-C, SIGTERM and a closed terminal end the programs that run, and then the command.
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

/// [`Interrupted`] once the user has asked the command to end.
pub fn check_stop() -> Result<()> {
    if STOP.load(Ordering::Relaxed) {
        return Err(Interrupted.into());
    }
    Ok(())
}

/// Locks a file against other processes until it is dropped; waits for them.
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

/// A program that runs; it ends when this value goes out of scope.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts a program with this program's output and without input.
    pub fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn();
        let child = child.with_context(|| format!("{} cannot be started", name_of(command)))?;
        Ok(Self(child))
    }

    /// Its number, which is also that of its process group.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.0.try_wait();
        status.context("a program cannot be waited for")
    }

    /// Sends SIGTERM, or kills, to the program and to those that it started.
    #[cfg(unix)]
    fn end_group(&mut self, kill: bool) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if kill { Signal::KILL } else { Signal::TERM };
        let _ = kill_process_group(Pid::from_child(&self.0), signal);
    }

    /// No other system has a signal that asks.
    #[cfg(not(unix))]
    fn end_group(&mut self, kill: bool) {
        if kill {
            let _ = self.0.kill();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        self.end_group(false);
        let limit = Instant::now() + GRACE;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < limit {
            thread::sleep(PAUSE);
        }
        // What it started may still run.
        self.end_group(true);
        let _ = self.0.wait();
    }
}

/// Runs a program to its end.
///
/// # Errors
/// It cannot be started; [`Interrupted`] when the user ends it.
pub fn run(command: &mut Command) -> Result<ExitStatus> {
    Ok(run_until(command, &STOP, None)?.expect("without a limit the program has ended"))
}

/// Runs a program to its end, which has to be a good one; `failed` says what did not happen.
pub fn run_well(command: &mut Command, failed: &'static str) -> Result<()> {
    let status = run(command)?;
    ensure!(
        status.success(),
        "{failed}; the program's own message is above"
    );
    Ok(())
}

/// Runs a program for at most `limit`; `None` when it took longer and was ended.
pub fn run_for(command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
    run_until(command, &STOP, Some(limit))
}

fn run_until(
    command: &mut Command,
    stop: &AtomicBool,
    limit: Option<Duration>,
) -> Result<Option<ExitStatus>> {
    let mut running = Running::start(command)?;
    let started = Instant::now();
    loop {
        let ended = running.ended()?;
        // A Ctrl-C that reached the program as well is still the user's.
        if stop.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        if ended.is_some() || limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Ok(ended);
        }
        thread::sleep(PAUSE);
    }
}

/// What a quick program prints, or `None` when it is missing or fails.
pub fn printed_by(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// The program's name, without its folder.
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
        let error = run_until(&mut command, &stop, None).expect_err("it was stopped");
        assert!(error.is::<Interrupted>());
        assert!(started.elapsed() < GRACE);
    }

    #[test]
    fn a_missing_program_is_named_without_its_folder() {
        let error = run(&mut Command::new("/no/such/program")).expect_err("there is none");
        assert_eq!(error.to_string(), "program cannot be started");
    }
}
