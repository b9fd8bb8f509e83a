package host

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/marks"
	"github.com/gameday-toolkit/gameday/plugins/host/internal/proc"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

// provider is what a session knows.
type provider struct {
	mu      sync.Mutex
	marks   marks.Store
	boot    string
	workers map[string]*hand
	winders map[string]*winder
	lease   time.Time // when it ends
}

type config struct {
	MarksDir string `json:"marks_dir"`
}

// New returns the plugin.
func New() *sdk.Plugin {
	p := &provider{workers: map[string]*hand{}, winders: map[string]*winder{}}
	return &sdk.Plugin{
		Name: "host", Version: Version,
		Doc: "Faults of the Linux host that gameday runs on: its processes, resources, file systems and network. What it " +
			"may not do without root it says when the plan is made. Clocks are out of reach: see docs/plugins/host.md.",
		Config: sdk.Schema{Attributes: []sdk.Attribute{{
			Name: "marks_dir", Type: sdk.String,
			Doc: "Where a file lies for each fault that stands. By default /run/gameday/host, or the user's runtime directory without root.",
		}}},
		Configure: p.configure, Sweep: p.sweep, Leased: p.leased,
		Targets: map[string]sdk.TargetType{
			"host_process": processes{}, "host_machine": machines{}, "host_filesystem": filesystems{},
			"host_namespace": namespaces{}, "host_interface": interfaces{}, "host_endpoint": endpoints{},
		},
		Faults: map[string]sdk.Fault{
			"host_process_kill":   &fault[killed]{p, processKill()},
			"host_process_pause":  &fault[paused]{p, processPause()},
			"host_fd_exhaustion":  &fault[lowered]{p, fdExhaustion()},
			"host_pid_exhaustion": &fault[capped]{p, pidExhaustion()},

			"host_partition": &fault[cut]{p, partition()},
			"host_loss":      &fault[cut]{p, loss()},
			"host_policing":  &fault[cut]{p, policing()},

			"host_conntrack_exhaustion": &fault[crowded]{p, conntrackExhaustion()},

			"host_bandwidth":   &fault[shaped]{p, bandwidth()},
			"host_delay":       &fault[shaped]{p, delay()},
			"host_corruption":  &fault[shaped]{p, corruption()},
			"host_duplication": &fault[shaped]{p, duplication()},

			"host_cpu_pressure":    &fault[load]{p, cpuPressure()},
			"host_memory_pressure": &fault[load]{p, memoryPressure()},
			"host_disk_fill":       &fault[load]{p, diskFill()},
			"host_disk_io":         &fault[load]{p, diskIO()},

			"host_connection_exhaustion": &fault[load]{p, connectionExhaustion()},
		},
	}
}

func (p *provider) configure(_ context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	c := config{}
	if err := set.Decode(&c); err != nil {
		return nil, nil, err
	}
	if c.MarksDir == "" {
		c.MarksDir = marks.Default()
	}
	boot, err := proc.BootID()
	if err != nil {
		return nil, nil, fmt.Errorf("this is no Linux host with /proc: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks, p.boot = marks.Open(c.MarksDir), boot
	return nil, nil, nil
}
