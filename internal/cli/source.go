package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/lang"
	"github.com/gameday-toolkit/gameday/internal/pluginhost"
)

// varFlags are the options that give values to variables.
type varFlags struct {
	vars  []string
	files []string
}

func (v *varFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&v.vars, "var", nil, "set a variable: `name=value`; may be repeated, the last one wins")
	cmd.Flags().StringArrayVar(&v.files, "var-file", nil, "read variables from a `file` of name = value lines; may be repeated")
}

func (v *varFlags) source(path string) (wiring.Source, error) {
	src := wiring.Source{Path: path, VarFiles: v.files}
	for _, s := range v.vars {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return src, hint(fmt.Errorf("-var %q is not NAME=VALUE", s), "such as -var zone=east-b")
		}
		src.Vars = append(src.Vars, lang.VarFlag{Name: name, Value: value})
	}
	return src, nil
}

// stopTime is what plugins have to end once a command is done with them.
const stopTime = 5 * time.Second

// withReaders runs f with plugins at hand, and stops them afterwards.
func withReaders(ctx context.Context, f func(*wiring.Readers) error) error {
	r := wiring.NewReaders(pluginhost.New(pluginhost.Options{}))
	err := f(r)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if stopErr := r.Close(stop); err == nil {
		err = stopErr
	}
	return err
}
