package notify

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// hidden stands for what must not be shown, as elsewhere in gameday.
const hidden = "(sensitive)"

// shortest is how long a part must be to be hidden: shorter ones are no secrets, and occur by chance.
const shortest = 4

// hider removes from a text what a request held. A server that refuses often says what it was asked: the path, the query, all
// headers. Only the host may be told.
func hider(to string, header http.Header) *strings.Replacer {
	var parts []string
	add := func(texts ...string) {
		for _, s := range texts {
			if len(s) >= shortest {
				parts = append(parts, s)
			}
		}
	}
	add(to)
	if u, err := url.Parse(to); err == nil {
		password, _ := u.User.Password()
		add(u.User.String(), u.User.Username(), password, u.Path, u.EscapedPath(), u.RawQuery, u.Fragment)
		add(strings.Split(u.Path, "/")...)
		for _, values := range u.Query() {
			add(values...)
		}
	}
	for _, values := range header {
		for _, v := range values {
			add(v)
			add(strings.Fields(v)...) // the token of "Bearer token"
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // the longest first
	var pairs []string
	for _, s := range parts {
		pairs = append(pairs, s, hidden)
	}
	return strings.NewReplacer(pairs...)
}
