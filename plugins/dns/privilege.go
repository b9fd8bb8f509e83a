package dns

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/dns/internal/netns"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// otherWay is the advice where traffic cannot be diverted.
const otherWay = "Run gameday as root, or go the other way, which needs no privilege: the target dns_resolver, with clients that are pointed at it."

// lacksTraffic says what keeps this process from diverting traffic.
func lacksTraffic(d *diverted) []sdk.Problem {
	if !has(unix.CAP_NET_ADMIN) {
		return []sdk.Problem{lacking("CAP_NET_ADMIN", "The kernel's rules for packets are for root, or for who has this capability. "+otherWay)}
	}
	ns, err := d.Namespace.Open()
	if err != nil {
		return []sdk.Problem{problem("targets", "The network namespace cannot be opened", err.Error())}
	}
	own, err := netns.IsOwn(ns)
	if err = errors.Join(err, ns.Close()); err != nil {
		return []sdk.Problem{problem("targets", "The network namespace cannot be read", err.Error())}
	}
	if !own && !has(unix.CAP_SYS_ADMIN) {
		return []sdk.Problem{lacking("CAP_SYS_ADMIN", "Entering another network namespace needs it. "+otherWay)}
	}
	return nil
}

// untried says what came of trying out the table.
func untried(err error) []sdk.Problem {
	switch {
	case errors.Is(err, unix.EPERM):
		return []sdk.Problem{{Severity: sdk.Warning, Summary: "dns_failure could not be tried out beforehand", Detail: "That needs CAP_SYS_ADMIN. If the kernel lacks nftables, the injection will say so."}}
	case err != nil:
		return []sdk.Problem{lacking("nftables in the kernel", "This kernel did not take the rules (nf_tables with the family inet, 5.2 or later): "+err.Error()+". "+otherWay)}
	}
	return nil
}

func lacking(permission, why string) sdk.Problem {
	return sdk.Problem{
		Severity: sdk.Error, Permission: permission, Path: []string{"targets"},
		Summary: "dns_failure of dns_traffic needs " + permission + " here", Detail: why,
	}
}

// has says whether this process has a capability. What cannot be read is not had.
func has(bit int) bool {
	f, err := os.Open("/proc/thread-self/status")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if hex, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && mask&(1<<bit) != 0
		}
	}
	return false
}
