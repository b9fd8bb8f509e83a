package cli

import (
	"fmt"
	"os"
	"syscall"
)

// become replaces this process by another program: its signals, its terminal and its exit code are then its own.
func become(path string, args []string) error {
	if err := syscall.Exec(path, append([]string{path}, args...), os.Environ()); err != nil {
		return fmt.Errorf("starting %s: %w", path, err)
	}
	return nil
}
