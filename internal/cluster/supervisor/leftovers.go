package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cleanAfterKill removes what a supervisor that was killed could not. Its own children died with it.
func cleanAfterKill(l layout) error {
	content, err := os.ReadFile(l.file("config.json"))
	if os.IsNotExist(err) {
		return nil
	}
	var config Config
	if err := errors.Join(err, json.Unmarshal(content, &config)); err != nil {
		return fmt.Errorf("reading what the earlier cluster in %s was: %w", l.root, err)
	}
	if config.Nodes == kubeletNodes {
		return restoreMachine(nodesOf(config.Zones, config.NodesPerZone))
	}
	return nil
}

// leftovers names every process that still works on a directory of the cluster. It only looks.
func leftovers(l layout) []error {
	var left []error
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range commands {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // gone meanwhile
		}
		if command := strings.ReplaceAll(string(content), "\x00", " "); strings.Contains(command, l.inner()+"/") {
			left = append(left, fmt.Errorf("process %s is left: %s", filepath.Base(filepath.Dir(file)), command))
		}
	}
	return left
}

// removeAll removes every file of the cluster, and the directory if nothing else is in it.
func (l layout) removeAll() error {
	if err := l.remove(); err != nil {
		return err
	}
	_ = os.Remove(l.root) // fails if there is something of someone else in it
	return nil
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
