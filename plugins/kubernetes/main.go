package kubernetes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/press"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const usage = `gameday-plugin-kubernetes is a plugin: gameday starts it. See what it offers with: gameday plugin docs kubernetes
In a pod that the plugin makes it is a watchdog as well, which undoes the faults of a run when nobody renews its Lease, and in a container
that kubernetes_pressure adds it is the pressure, which ends with its standard input:

    gameday-plugin-kubernetes watchdog -namespace NAMESPACE -run RUN [-kubeconfig FILE]
    gameday-plugin-kubernetes pressure [-cpu PROCESSORS] [-memory BYTES]
`

// Main runs the binary and returns its exit code. Without arguments it is the plugin, and does not return.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	klog.LogToStderr(false) // client-go tells of its errors twice
	klog.SetOutput(io.Discard)
	if len(args) == 0 {
		sdk.Serve(New())
	}
	flags := flag.NewFlagSet("gameday-plugin-kubernetes "+args[0], flag.ContinueOnError)
	flags.SetOutput(errOut)
	var run func(context.Context) int
	switch args[0] {
	case "watchdog":
		run = watchdogCommand(flags, errOut)
	case press.Command:
		run = pressureCommand(flags, in, out)
	default:
		_, _ = fmt.Fprint(errOut, usage)
		return 2
	}
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 {
		_, _ = fmt.Fprint(errOut, usage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return run(ctx)
}

func pressureCommand(flags *flag.FlagSet, in io.Reader, out io.Writer) func(context.Context) int {
	var o press.Order
	flags.Float64Var(&o.CPU, "cpu", 0, "how many `processors` to keep busy")
	flags.Int64Var(&o.Memory, "memory", 0, "how many `bytes` of memory to take")
	return func(ctx context.Context) int {
		if err := o.Run(ctx, in, out); err != nil {
			return 1
		}
		return 0
	}
}

func watchdogCommand(flags *flag.FlagSet, log io.Writer) func(context.Context) int {
	var o watchdogOptions
	flags.StringVar(&o.namespace, "namespace", "default", "the `namespace` of the Lease and of the records of faults")
	flags.StringVar(&o.run, "run", "", "the `run` whose faults are undone")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "a `file`; in a pod its service account needs none")
	return func(ctx context.Context) int { return o.watch(ctx, log) }
}
