package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// normalise lets long options be written with one dash, as Terraform's users are used to: -out x, -var=k=v. Only names of
// options that exist are touched, and nothing after "--" or behind `lab`, whose arguments are the plugin's own.
func normalise(root *cobra.Command, args []string) []string {
	known := map[string]bool{}
	collect(root, known)
	out := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" || arg == "lab" && i == 0 {
			return append(out, args[i:]...)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && len(name) > 1 && known[name] {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}

func collect(cmd *cobra.Command, known map[string]bool) {
	note := func(f *pflag.Flag) { known[f.Name] = true }
	cmd.Flags().VisitAll(note)
	cmd.PersistentFlags().VisitAll(note)
	for _, c := range cmd.Commands() {
		collect(c, known)
	}
}
