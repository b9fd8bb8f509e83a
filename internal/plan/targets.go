package plan

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sort"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func (b *builder) targets(ctx context.Context) error {
	b.plan.Targets = append([]TargetSet(nil), b.plan.Targets...)
	for i := range b.plan.Targets {
		if err := b.resolve(ctx, &b.plan.Targets[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) resolve(ctx context.Context, t *TargetSet) error {
	sel, problems, err := b.world.Resolve(ctx, t.Plugin, t.Type, b.request(t.Addr, t.Config, nil))
	if err != nil {
		return fmt.Errorf("resolving %s: %w", t.Addr, err)
	}
	if !b.take(t.Addr, t.Pos, problems) {
		return nil
	}
	t.Population = max(sel.Population, len(sel.Targets))
	if len(sel.Targets) == 0 {
		if t.OnEmpty != "skip" {
			b.fail(t.Addr, t.Pos, nil, "No target matches",
				fmt.Sprintf("Nothing of type %s matches %s. Check the selectors, or set on_empty = \"skip\" where nothing to do is fine.", t.Type, t.Addr))
		}
		return nil
	}
	n, ok := b.howMany(t, len(sel.Targets))
	if ok {
		t.Members = choose(sel.Targets, n, b.plan.Seed, t.Addr)
	}
	return nil
}

// howMany applies count and percent. A percentage is rounded down, because a limit that rounds up is no limit; that it
// rounds to nothing is said instead of done.
func (b *builder) howMany(t *TargetSet, matched int) (int, bool) {
	switch {
	case t.Percent > 0:
		n := percentOf(matched, t.Percent)
		if n == 0 {
			b.fail(t.Addr, t.Pos, []string{"percent"}, "The percentage rounds down to no target at all", fmt.Sprintf(
				"%g %% of %d is %.2f, and a percentage is never rounded up. Use at least %.4g, or count = 1.",
				t.Percent, matched, float64(matched)*t.Percent/100, leastPercent(matched)))
		}
		return n, n > 0
	case t.Count > matched:
		b.fail(t.Addr, t.Pos, []string{"count"}, "Fewer targets match than count asks for",
			fmt.Sprintf("count is %d and %d match. Widen the selectors or lower count.", t.Count, matched))
		return 0, false
	case t.Count > 0:
		return t.Count, true
	}
	return matched, true
}

// percentOf rounds down; the small epsilon undoes binary fractions only (10 % of 30 must be 3).
func percentOf(n int, percent float64) int { return int(float64(n)*percent/100 + 1e-9) }

func leastPercent(n int) float64 { return float64(int(10000/float64(n))+1) / 100 }

// choose picks n targets at random, the same ones for the same seed and address, in their original order.
func choose(all []sdk.Target, n int, seed int64, addr string) []sdk.Target {
	if n >= len(all) {
		return all
	}
	h := fnv.New64a()
	h.Write([]byte(addr))
	picked := rand.New(rand.NewPCG(uint64(seed), h.Sum64())).Perm(len(all))[:n]
	sort.Ints(picked)
	out := make([]sdk.Target, n)
	for i, p := range picked {
		out[i] = all[p]
	}
	return out
}

// members is the union of some target sets; where every one of them is empty, why there is nothing to do.
func (b *builder) members(addrs []string) (out []sdk.Target, skipped string) {
	seen := map[[2]string]bool{}
	for _, t := range b.plan.Targets {
		for _, a := range addrs {
			if a != t.Addr {
				continue
			}
			for _, m := range t.Members {
				if k := [2]string{m.Type, m.ID}; !seen[k] {
					seen[k] = true
					out = append(out, m)
				}
			}
		}
	}
	if len(addrs) > 0 && len(out) == 0 {
		skipped = "no target matches, and on_empty is \"skip\""
	}
	return out, skipped
}
