package live

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest texts that people may send, in characters.
const (
	maxName = 60
	maxText = 1000
)

// said is what a person sends.
type said struct {
	By   string `json:"by"`
	Text string `json:"text"`
	Addr string `json:"addr"`
	Sure bool   `json:"sure"`
}

// hear reads what somebody sends, with a name. Without Control nobody is heard.
func (s *Server) hear(w http.ResponseWriter, r *http.Request) (in said, ok bool) {
	if s.Control == nil {
		refuse(w, http.StatusForbidden, "This page only shows.")
		return in, false
	}
	if !s.read(w, r, &in) {
		return in, false
	}
	var err error
	if in.By, in.Text, err = written(in.By, in.Text); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return in, false
	}
	return in, true
}

// Remark checks a note of a person, and leaves of it what can be read.
func Remark(by, text string) (author, remark string, err error) {
	by, text, err = written(by, text)
	if err == nil && text == "" {
		err = errNothing
	}
	return by, text, err
}

var errNothing = errors.New("the note is empty")

func written(by, text string) (string, string, error) {
	by, text = tidy(by), tidy(text)
	switch {
	case by == "":
		return by, text, errors.New("say who you are")
	case utf8.RuneCountInString(by) > maxName:
		return by, text, fmt.Errorf("a name has at most %d characters", maxName)
	case utf8.RuneCountInString(text) > maxText:
		return by, text, fmt.Errorf("a text has at most %d characters", maxText)
	}
	return by, text, nil
}

// tidy leaves what can be read: the journal is shown on terminals too.
func tidy(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, s))
}

func (s *Server) note(w http.ResponseWriter, r *http.Request) {
	in, ok := s.hear(w, r)
	switch {
	case !ok:
		return
	case in.Text == "":
		refuse(w, http.StatusBadRequest, errNothing.Error())
	case !s.notes.Allow():
		refuse(w, http.StatusTooManyRequests, "Too many notes at once; try again in a moment.")
	default:
		did(w, s.Control.Note(r.Context(), in.By, in.Text))
	}
}

func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) {
	if in, ok := s.hear(w, r); ok {
		did(w, s.Control.Acknowledge(in.Addr, in.By, in.Text))
	}
}

// abort wants to hear it twice: what was clicked by mistake says nothing about being sure.
func (s *Server) abort(w http.ResponseWriter, r *http.Request) {
	in, ok := s.hear(w, r)
	switch {
	case !ok:
		return
	case !in.Sure:
		refuse(w, http.StatusBadRequest, "Confirm the abort.")
	default:
		did(w, s.Control.Abort(in.By, in.Text))
	}
}

// did answers; what came of it is seen on the page when it is in the journal.
func did(w http.ResponseWriter, err error) {
	if err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	answer(w, http.StatusAccepted, map[string]bool{"ok": true})
}
