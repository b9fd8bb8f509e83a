package main

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// helperArg makes the test binary a program that takes something away from itself and then becomes gameday.
const helperArg = "be-a-helper"

func helper(args []string) {
	var err error
	switch args[0] {
	case "smalldisk":
		err = unix.Mount("small", args[2], "tmpfs", 0, "size="+args[1])
		args = args[3:]
	case "unprivileged":
		// root may write anywhere by these capabilities; without them in the bounding set an exec cannot regain them.
		for _, c := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER} {
			if os.Getuid() == 0 && err == nil {
				err = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
			}
		}
		args = args[1:]
	}
	if err == nil {
		err = syscall.Exec(args[0], args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "helper:", err)
	os.Exit(99)
}
