package live

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// Nobody sees anything without a token, and nobody changes anything with the guests' one. A link carries its token behind
// the #, where it reaches no log and no Referer; the page turns it into a cookie that scripts cannot read and other sites
// cannot send. What changes something must come from the page itself: another origin is refused, also one that shares
// this host (SameSite looks at no port).

// role is what somebody may do.
type role string

const (
	nobody  role = ""
	guest   role = "guest"
	control role = "control"
)

// Access are the tokens of one page. An empty one lets nobody in.
type Access struct{ Control, Guest string }

// NewAccess makes tokens of at least 128 bits; without control for a page that only shows.
func NewAccess(withControl bool) Access {
	a := Access{Guest: rand.Text()}
	if withControl {
		a.Control = rand.Text()
	}
	return a
}

// Link adds a token to the address of the page.
func Link(url, token string) string { return url + "#" + token }

func (a Access) of(token string) role {
	switch {
	case same(token, a.Control):
		return control
	case same(token, a.Guest):
		return guest
	}
	return nobody
}

func same(given, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// cookie is the name of the cookie. Cookies are shared by all ports of a host, so that its name tells pages apart.
func (s *Server) cookie() string { return "gameday-live-" + s.id }

// role says who asks. viaCookie means that a browser has added it without being told to.
func (s *Server) role(r *http.Request) (who role, viaCookie bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.Access.of(token), false
	}
	c, err := r.Cookie(s.cookie())
	if err != nil {
		return nobody, true
	}
	return s.Access.of(c.Value), true
}

// openSession turns a token into a cookie.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	var in struct{ Token string }
	if !s.read(w, r, &in) {
		return
	}
	who := s.Access.of(in.Token)
	if who == nobody {
		refuse(w, http.StatusUnauthorized, "This link is not valid, or not any more.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Value: in.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	answer(w, http.StatusOK, map[string]role{"role": who})
}

// may lets a request through that comes from somebody with at least the role.
func (s *Server) may(least role, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, viaCookie := s.role(r)
		switch {
		case who == nobody:
			refuse(w, http.StatusUnauthorized, "Open the page with the link that was given to you.")
		case least == control && who != control:
			refuse(w, http.StatusForbidden, "Guests can only look.")
		case least == control && viaCookie && r.Header.Get("Origin") == "":
			refuse(w, http.StatusForbidden, "This did not come from the page.")
		default:
			next(w, r)
		}
	}
}

// guarded are the checks that come before everything else.
func (s *Server) guarded(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "This did not come from the page.")
	}))
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(3 * patience))
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.Address.allows(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "This page does not go by that name.")
			return
		}
		inner.ServeHTTP(w, r)
	})
}

const (
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// reportPolicy lets a report run its own script, and takes from it whatever it could reach with that.
	reportPolicy = "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
