package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/pluginhost/lockfile"
)

func (a *app) pluginCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "List plugins, read their reference, lock their checksums", Args: usage(0, 0, "")}
	list := &cobra.Command{
		Use: "list", Short: "List the plugins that are found, and where", Args: usage(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withReaders(cmd.Context(), func(r *wiring.Readers) error { return a.listPlugins(cmd.Context(), r) })
		},
	}
	var vars varFlags
	lock := &cobra.Command{
		Use:   "lock [SCENARIO]",
		Short: "Write the checksums of a scenario's plugins to " + lockfile.Name,
		Long: `Lock writes the version and the SHA-256 of each plugin that the scenario uses to ` + lockfile.Name + ` in its directory.
From then on no other file is started for it. Keep it under version control.`,
		Args: usage(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := vars.source(append(args, ".")[0])
			if err != nil {
				return err
			}
			return withReaders(cmd.Context(), func(r *wiring.Readers) error { return a.lockPlugins(cmd.Context(), r, src) })
		},
	}
	vars.add(lock)
	cmd.AddCommand(list, a.pluginDocsCmd(), lock)
	return cmd
}

func (a *app) listPlugins(ctx context.Context, r *wiring.Readers) error {
	names := r.Host.Names()
	if len(names) == 0 {
		return hint(errors.New("no plugin was found"), "put gameday-plugin-NAME beside gameday, or into a directory that GAMEDAY_PLUGIN_DIR names")
	}
	var errs []error
	for _, n := range names {
		info, err := r.Describe(ctx, n)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		path, err := r.Host.Find(n)
		errs = append(errs, err)
		fmt.Fprintf(a.out, "%-14s %-10s %s\n", n, info.Version, path)
	}
	return errors.Join(errs...)
}

// lockPlugins writes the lock anew: what was locked before is no reason to refuse the plugins that are there now.
func (a *app) lockPlugins(ctx context.Context, r *wiring.Readers, src wiring.Source) error {
	names, err := wiring.PluginNames(src)
	if err != nil {
		return err
	}
	var lock lockfile.Lock
	for _, n := range names {
		info, err := r.Describe(ctx, n)
		if err != nil {
			return err
		}
		lock.Set(n, info.Version, r.Checksum(n))
		fmt.Fprintf(a.out, "%s %s %s\n", n, info.Version, r.Checksum(n))
	}
	return lock.Write(filepath.Join(src.Dir(), lockfile.Name))
}

// labUsage says what the lab's commands are, to somebody who has named none.
func (a *app) labUsage(ctx context.Context, path string) error {
	help := exec.CommandContext(ctx, path, "help")
	help.Stdout, help.Stderr = a.err, a.err
	if err := help.Run(); err != nil {
		return fmt.Errorf("asking %s for its usage: %w", path, err)
	}
	return exitError{ExitUntouched}
}

func (a *app) labCmd() *cobra.Command {
	return &cobra.Command{
		Use:                "lab up|status|down|faults|heal ...",
		Short:              "Start, look at and stop the embedded lab",
		Long:               "Lab hands its arguments to the lab plugin (gameday-plugin-lab), which is the lab as well: see `gameday lab help`.",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := wiring.FindPlugin("lab")
			if err != nil {
				return err
			}
			if len(args) == 0 { // without arguments it is the plugin
				return a.labUsage(cmd.Context(), path)
			}
			return become(path, args)
		},
	}
}
