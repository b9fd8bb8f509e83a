// Package wall keeps nftables rules that the kernel stops applying by itself unless they are wound up again and again.
package wall
