package jurisdictions

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// inspect finds what CEL's checker lets through and a rulebook must not say: hours of an unnamed zone (CEL would take UTC,
// where the day begins at 08:00 of ours), types left open until run time, and words that no packet can hold.
func inspect(checked *cel.Ast) []flaw {
	i := inspection{tree: checked.NativeRep()}
	ast.PreOrderVisit(i.tree.Expr(), ast.NewExprVisitor(i.visit))
	return i.flaws
}

type inspection struct {
	tree  *ast.AST
	flaws []flaw
}

func (i *inspection) flaw(e ast.Expr, format string, args ...any) {
	at := i.tree.SourceInfo().GetStartLocation(e.ID())
	i.flaws = append(i.flaws, flaw{max(at.Line(), 1), at.Column() + 1, fmt.Sprintf(format, args...)})
}

func (i *inspection) typeOf(e ast.Expr) *types.Type { return i.tree.GetType(e.ID()) }

func (i *inspection) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.SelectKind:
		if operand := e.AsSelect().Operand(); i.typeOf(operand).Kind() == types.DynKind {
			i.flaw(e, "%s is read from a value of unknown type", e.AsSelect().FieldName())
		}
	case ast.StructKind:
		i.flaw(e, "a rule reads facts, it does not make them")
	case ast.CallKind:
		i.call(e, e.AsCall())
	}
}

func (i *inspection) call(e ast.Expr, call ast.CallExpr) {
	name, args := call.FunctionName(), call.Args()
	switch {
	case name == "dyn":
		i.flaw(e, "dyn hides a type from the check")
	case name == "string" && len(args) == 1 && i.typeOf(args[0]).Kind() == types.TimestampKind:
		i.flaw(e, "string(timestamp) writes UTC: compare timestamps instead")
	case call.IsMemberFunction() && strings.HasPrefix(name, "get") && i.typeOf(call.Target()).Kind() == types.TimestampKind:
		i.zone(e, name, args)
	case name == "fresh" || name == "valid_until":
		i.word(args[1], "unit", units())
	case name == "latest":
		i.word(args[1], "type of evidence", evidenceTypes())
	case name == operators.Equals || name == operators.NotEquals:
		i.comparison(args[0], args[1])
		i.comparison(args[1], args[0])
	case name == operators.In && args[1].Kind() == ast.ListKind:
		for _, item := range args[1].AsList().Elements() {
			i.comparison(args[0], item)
		}
	}
}

// zone allows only "+08:00": a zone's name would be looked up on disk, and no argument means UTC.
func (i *inspection) zone(e ast.Expr, name string, args []ast.Expr) {
	if len(args) == 0 {
		i.flaw(e, `%s() counts in UTC: write %s("+08:00")`, name, name)
		return
	}
	if text, ok := literal(args[0]); !ok || text != "+08:00" {
		i.flaw(args[0], `%s: the only zone is "+08:00"`, name)
	}
}

// comparison checks a word that is compared with the type of an evidence.
func (i *inspection) comparison(field, word ast.Expr) {
	if field.Kind() != ast.SelectKind || field.AsSelect().FieldName() != "type" {
		return
	}
	if i.typeOf(field.AsSelect().Operand()).IsExactType(evidenceType) {
		i.word(word, "type of evidence", evidenceTypes())
	}
}

func (i *inspection) word(e ast.Expr, what string, allowed []string) {
	if text, ok := literal(e); ok && !slices.Contains(allowed, text) {
		i.flaw(e, "%s: %q is none of %s", what, text, strings.Join(allowed, ", "))
	}
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

func evidenceTypes() []string {
	kinds := make([]string, 0, len(countedFacts))
	for kind := range countedFacts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}
