package lang

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parser and the evaluator recurse, and Go cannot recover from a stack that is used up. So the tokens are counted
// before they are parsed: a source that nests deeper than any person would write is refused.

func checkNesting(src []byte, name string) hcl.Diagnostics {
	if surelyShallow(src) {
		return nil
	}
	tokens, diags := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	if bad := countTokens(tokens); bad != nil {
		return fail(bad, "The file nests too deeply", "Brackets, operators and conditionals may be nested %d deep, and a file may have %d tokens and numbers of moderate size. Split the expression up with locals.", maxNesting, maxTokens)
	}
	_ = diags // the parser lexes again and reports them
	return nil
}

// surelyShallow spares an ordinary file the counting of its tokens, which takes as long as parsing it: what has few
// brackets in all cannot nest them deeply.
func surelyShallow(src []byte) bool {
	brackets, run, questions, digits := 0, 0, 0, 0
	for i, c := range src {
		if c < '0' || c > '9' {
			digits = 0
		} else if digits++; digits == 100 || digits == 3 && exponent(src[:i-2]) {
			return false
		}
		switch c {
		case '(', '[', '{':
			brackets++
			run = 0
		case '!', '-':
			run++
		case ' ', '\t', '\r', '\n':
		case '?':
			questions++
			run = 0
		default:
			run = 0
		}
		if brackets > maxNesting || run > maxNesting || questions > maxNesting {
			return false
		}
	}
	return len(src) < maxTokens
}

// exponent says whether what stands before some digits makes them an exponent.
func exponent(before []byte) bool {
	before = bytes.TrimRight(before, "+-")
	return bytes.HasSuffix(before, []byte("e")) || bytes.HasSuffix(before, []byte("E"))
}

func countTokens(tokens hclsyntax.Tokens) *hcl.Range {
	depth, unary, questions := 0, 0, 0
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp,
			hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth = max(0, depth-1)
		case hclsyntax.TokenQuestion:
			questions++
		case hclsyntax.TokenNumberLit:
			if !moderate(string(t.Bytes)) {
				return &tokens[i].Range
			}
		}
		if t.Type == hclsyntax.TokenBang || t.Type == hclsyntax.TokenMinus {
			unary++
		} else if t.Type != hclsyntax.TokenNewline && t.Type != hclsyntax.TokenComment {
			unary = 0
		}
		if depth > maxNesting || unary > maxNesting || questions > 20*maxNesting || i > maxTokens {
			return &tokens[i].Range
		}
	}
	return nil
}

// moderate is false for 1e999999999, which is cheap to write and a gigabyte to print.
func moderate(number string) bool {
	if len(number) > 400 {
		return false
	}
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return true
	}
	exp, ok := new(big.Int).SetString(strings.TrimPrefix(number[i+1:], "+"), 10)
	return !ok || exp.CmpAbs(big.NewInt(400)) <= 0
}

// checkJSONNesting does the same for JSON, where every string is a template.
func checkJSONNesting(src []byte, name string) hcl.Diagnostics {
	depth, inString, escaped := 0, false, false
	for _, c := range src {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxNesting {
			return tooDeep(name)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	for {
		t, err := dec.Token()
		if err != nil {
			return nil // the parser reports it, with a place
		}
		switch t := t.(type) {
		case json.Number:
			if !moderate(t.String()) {
				return tooDeep(name)
			}
		case string:
			tokens, _ := hclsyntax.LexTemplate([]byte(t), name, hcl.InitialPos)
			if countTokens(tokens) != nil {
				return tooDeep(name)
			}
			if tokens, _ = hclsyntax.LexExpression([]byte(t), name, hcl.InitialPos); countTokens(tokens) != nil {
				return tooDeep(name)
			}
		}
	}
}

func tooDeep(name string) hcl.Diagnostics {
	return fail(at(name), "The file nests too deeply", "Objects and expressions may be nested %d deep, and numbers must be of moderate size.", maxNesting)
}
