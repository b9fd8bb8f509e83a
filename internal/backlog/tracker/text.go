package tracker

import (
	"strings"
	"unicode/utf8"
)

// Markdown writes paragraphs as GitHub shows them. What scenarios and targets say cannot address anybody or close anything.
func Markdown(body []Paragraph) string {
	var b strings.Builder
	for _, p := range body {
		if p.Heading != "" {
			b.WriteString("### " + p.Heading + "\n\n")
		}
		for _, line := range strings.Split(p.Text, "\n") {
			b.WriteString(escaper.Replace(line) + "  \n")
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), " \n") + "\n"
}

// escaper takes from a text what Markdown and GitHub would act on: markup, HTML, mentions and references.
var escaper = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`,
	"@", "@\u200b", "|", `\|`, "~", `\~`)

// Plain writes paragraphs without any markup.
func Plain(body []Paragraph) string {
	var parts []string
	for _, p := range body {
		if p.Heading != "" {
			parts = append(parts, p.Heading+":\n"+p.Text)
			continue
		}
		parts = append(parts, p.Text)
	}
	return strings.Join(parts, "\n\n")
}

// adf writes paragraphs in the Atlassian Document Format, version 1, which is what Jira's API of version 3 takes for texts.
func adf(body []Paragraph) map[string]any {
	content := []any{}
	for _, p := range body {
		if p.Heading != "" {
			content = append(content, map[string]any{"type": "heading", "attrs": map[string]any{"level": 3}, "content": []any{adfText(p.Heading)}})
		}
		var line []any
		for i, text := range strings.Split(p.Text, "\n") {
			if i > 0 {
				line = append(line, map[string]any{"type": "hardBreak"})
			}
			if text != "" { // a text node may not be empty
				line = append(line, adfText(text))
			}
		}
		content = append(content, map[string]any{"type": "paragraph", "content": line})
	}
	return map[string]any{"type": "doc", "version": 1, "content": content}
}

func adfText(s string) map[string]any { return map[string]any{"type": "text", "text": s} }

// cutTo shortens a title to so many letters, on one line.
func cutTo(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-3]) + "..."
}
