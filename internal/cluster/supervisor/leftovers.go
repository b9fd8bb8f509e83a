package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/cluster/process"
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
	if config.Nodes != kubeletNodes {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), restoreTimeout)
	defer cancel()
	// Another cluster may have the same names by now; it has cleaned before it began.
	claim, err := claimMachine(ctx)
	if err != nil {
		return err
	}
	return errors.Join(cleanMachine(ctx, nodesOf(config.Zones, config.NodesPerZone)), claim.Close())
}

// startJanitor starts what cleans the machine if this process is killed: containers are no children of it, so no signal of
// the kernel's reaches them then.
func startJanitor(path string, l layout) (*process.Janitor, error) {
	return process.StartJanitor(process.Spec{
		Name: "janitor", Path: path, Args: []string{"gameday-cluster", "janitor", "-dir", l.root}, Log: l.log("janitor"),
	})
}

// janitor waits until its supervisor has gone and cleans up after it.
func janitor(l layout, in io.Reader) error {
	_, _ = io.Copy(io.Discard, in) // an error ends it as well
	return cleanAfterKill(l)
}

// awaitNothing waits until nothing of the cluster is left, and names what is. It only looks.
func awaitNothing(ctx context.Context, l layout) error {
	ctx, cancel := context.WithTimeout(ctx, restoreTimeout)
	defer cancel()
	return poll(ctx, func(ctx context.Context) error {
		return errors.Join(append(leftoverProcesses(l), leftoverNodes(ctx)...)...)
	})
}

// leftoverProcesses names every process that still works on a directory of the cluster.
func leftoverProcesses(l layout) []error {
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

// leftoverNodes names what real nodes left, unless another cluster has nodes of those names now.
func leftoverNodes(ctx context.Context) []error {
	var config net.ListenConfig
	claim, err := config.Listen(ctx, "unix", machineClaim)
	if err != nil {
		return nil
	}
	defer claim.Close()
	var left []error
	for _, pattern := range []string{"/run/netns/gdc-*", "/sys/class/net/gdc*", cgroups + "/*/gameday-node-*"} {
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			left = append(left, fmt.Errorf("%s is left", path))
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
