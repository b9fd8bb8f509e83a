package cli

import (
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// abortOnPanic has a panic that nobody guards end this process by SIGABRT. Go's own way is exit code 2, which with us says
// that nothing was touched. A core file, which a SIGABRT may leave and which could hold secrets, is not asked for.
func abortOnPanic() {
	debug.SetTraceback("crash")
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err == nil {
		l.Cur = 0
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &l) // it can only fail to be lowered
	}
}
