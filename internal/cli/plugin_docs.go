package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/view"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// A plugin's documents are options that only the plugin knows: --rbac, --iam. So this command reads its own arguments, and
// takes the one option that is none of ours for the name of a document.

func (a *app) pluginDocsCmd() *cobra.Command {
	var vars varFlags
	cmd := &cobra.Command{
		Use:   "docs [NAME [--DOCUMENT [SCENARIO]]]",
		Short: "Print the reference of a plugin: its blocks and their attributes; without a name or with core, of the core's own types",
		Long: `Docs prints the reference of a plugin: its blocks and their attributes; without a name or with core, of the core's own
types. With --DOCUMENT it prints one of the plugin's own documents, which the reference lists at its end: such as the
permissions that it needs, for everything that it can do, or for one scenario alone.`,
		Example:            "  gameday plugin docs lab\n  gameday plugin docs kubernetes --rbac\n  gameday plugin docs aws --iam scenarios/az-loss-aws -var zone=euw1-az1",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			document, rest := splitDocument(cmd, args)
			cmd.InheritedFlags() // cobra adds them when it is asked
			if err := cmd.Flags().Parse(rest); err != nil {
				return hint(err, fmt.Sprintf("see `%s -help`", cmd.CommandPath()))
			}
			if help, _ := cmd.Flags().GetBool("help"); help {
				return cmd.Help()
			}
			return a.pluginDocs(cmd, document, cmd.Flags().Args(), &vars)
		},
	}
	vars.add(cmd)
	return cmd
}

// splitDocument takes the first option that is none of ours out of the arguments.
func splitDocument(cmd *cobra.Command, args []string) (document string, rest []string) {
	for i, arg := range args {
		name := strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-")
		switch {
		case arg == "--":
			return document, append(rest, args[i:]...)
		case document == "" && len(name) > 1 && name != arg && cmd.Flag(cutValue(name)) == nil:
			document = name
		default:
			rest = append(rest, arg)
		}
	}
	return document, rest
}

func cutValue(option string) string {
	name, _, _ := strings.Cut(option, "=")
	return name
}

func (a *app) pluginDocs(cmd *cobra.Command, document string, args []string, vars *varFlags) error {
	most := 1
	if document != "" {
		most = 2
	}
	if err := usage(0, most, "")(cmd, args); err != nil {
		return err
	}
	ctx := cmd.Context()
	switch {
	case document != "" && len(args) == 0:
		return hint(fmt.Errorf("there is no option -%s", document), "a document belongs to a plugin: gameday plugin docs NAME --"+document)
	case len(args) == 0 || args[0] == "core" && document == "":
		view.Types(a.out, wiring.Types())
		return nil
	}
	return withReaders(ctx, func(r *wiring.Readers) error {
		info, err := r.Describe(ctx, args[0])
		switch {
		case err != nil:
			return err
		case document == "":
			view.Reference(a.out, info)
			return nil
		}
		return a.document(ctx, r, info, document, args[1:], vars)
	})
}

func (a *app) document(ctx context.Context, r *wiring.Readers, info sdk.Info, document string, scenario []string, vars *varFlags) error {
	if _, ok := info.Documents[document]; !ok {
		has := "it has none"
		if names := slices.Sorted(maps.Keys(info.Documents)); len(names) > 0 {
			has = "it has --" + strings.Join(names, ", --")
		}
		return hint(fmt.Errorf("plugin %s has no document %q", info.Name, document), has)
	}
	var req sdk.DocumentRequest
	if len(scenario) > 0 {
		src, err := vars.source(scenario[0])
		if err != nil {
			return err
		}
		m, mistakes := wiring.Validate(ctx, r, src)
		if err := a.refuse(mistakes); err != nil {
			return err
		}
		if req, err = wiring.DocumentOf(m, info.Name); err != nil {
			return err
		}
	} else if len(vars.vars)+len(vars.files) > 0 {
		return errors.New("variables belong to a scenario, and none is named")
	}
	text, err := r.Document(ctx, info.Name, document, req)
	if err == nil {
		fmt.Fprintln(a.out, strings.TrimRight(text, "\n"))
	}
	return err
}
