package jurisdictions

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// What one expression may cost, in CEL's own units: as estimated at load for the largest record that fits a packet, and as
// counted at run time. A test keeps the dearest rule of ours under half of it, and runs every rule over as many pieces of evidence as
// a packet may have.
const (
	maxCost       = 100_000
	maxExpression = 2_000 // characters
	maxNesting    = 50
)

// expressions is the environment of all rule expressions: our types and functions, standard CEL without named time zones
// (they would be read from disk, and their default is UTC) and without dyn (through which a typo would survive to run time).
var expressions = sync.OnceValue(func() *cel.Env {
	options := append(append([]cel.EnvOption{factTypes(), knownOnly}, factVariables()...), ruleFunctions()...)
	env, err := cel.NewEnv(append(options,
		cel.EagerlyValidateDeclarations(true),
		cel.HomogeneousAggregateLiterals(),
		cel.StrictTimestampParsing(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(maxNesting),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals()),
	)...)
	if err != nil {
		panic("rule expressions: " + err.Error()) // our own declarations contradict each other: no rulebook can be read
	}
	return env
})

// program is one compiled expression. It may be run by many goroutines at once.
type program struct {
	source  string
	checked *cel.Ast
	// run is for views whose lists are within maxItems: for them the estimate has proven at load that maxCost is kept, and
	// counting again would double the time. Any other view is run with the count.
	run, counted cel.Program
}

// flaw is what is wrong with an expression, at a line (from 1) and column (from 1) of it.
type flaw struct {
	line, column int
	message      string
}

// compile checks and plans an expression whose result must be of the wanted type.
func compile(env *cel.Env, source string, want *cel.Type) (*program, []flaw) {
	checked, issues := env.Compile(source)
	if issues.Err() != nil {
		return nil, flawsOf(issues.Errors())
	}
	if got := checked.OutputType(); !got.IsExactType(want) {
		return nil, []flaw{{1, 1, fmt.Sprintf("gives %s, want %s", cel.FormatCELType(got), cel.FormatCELType(want))}}
	}
	if flaws := inspect(checked); len(flaws) > 0 {
		return nil, flaws
	}
	estimate, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, []flaw{{1, 1, err.Error()}}
	}
	if estimate.Max > maxCost {
		return nil, []flaw{{1, 1, fmt.Sprintf("may cost %d, the limit is %d", estimate.Max, maxCost)}}
	}
	run, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	counted, err2 := env.Program(checked, cel.CostLimit(maxCost))
	if err = errors.Join(err, err2); err != nil {
		return nil, []flaw{{1, 1, err.Error()}}
	}
	return &program{source: source, checked: checked, run: run, counted: counted}, nil
}

func flawsOf(found []*common.Error) []flaw {
	flaws := make([]flaw, len(found))
	for i, e := range found {
		message, _, _ := strings.Cut(e.Message, " (in container")
		flaws[i] = flaw{max(e.Location.Line(), 1), e.Location.Column() + 1, message}
	}
	return flaws
}

var errResult = errors.New("not of the type that was checked")

// holds runs a condition. An error says which fact was missing; it never holds the fact.
func (p *program) holds(in *view) (bool, error) {
	value, err := p.eval(in)
	if err != nil {
		return false, err
	}
	result, ok := value.(types.Bool)
	if !ok {
		return false, errResult
	}
	return bool(result), nil
}

// instant runs an expression that gives a time.
func (p *program) instant(in *view) (time.Time, error) {
	value, err := p.eval(in)
	if err != nil {
		return time.Time{}, err
	}
	result, ok := value.(types.Timestamp)
	if !ok {
		return time.Time{}, errResult
	}
	return result.Time, nil
}

func (p *program) eval(in *view) (ref.Val, error) {
	run := p.run
	if in.large {
		run = p.counted
	}
	value, _, err := run.Eval(in)
	return value, err
}

// maxItems is how many tests, declarations or words of a parameter an estimate reckons with. Whatever has more is counted
// at run time like any other, and refused when it runs into maxCost.
const maxItems = MaxEvidence

// sizes tells the cost estimate how large the values of a record can be.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	var most uint64
	switch element.Type().Kind() {
	case types.ListKind:
		most = maxItems
	case types.MapKind:
		most = 64
	case types.StringKind:
		most = 256
	default:
		return nil
	}
	return &cost.SizeEstimate{Min: 0, Max: most}
}

// EstimateCallCost implements cost.Estimator: the engine's own functions cost one unit, and latest one for each item.
func (sizes) EstimateCallCost(_, overload string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	if overload != "latest_evidence" {
		return nil
	}
	return cost.NewCallEstimate(cost.RangedCostEstimate(1, maxItems), nil)
}

// uses tells whether the expression mentions the variable.
func (p *program) uses(variable string) bool {
	mentioned := false
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		mentioned = mentioned || e.Kind() == ast.IdentKind && e.AsIdent() == variable
	}))
	return mentioned
}

// says tells whether the expression holds the word as a literal.
func (p *program) says(word string) bool { return slices.Contains(p.literals(), word) }

// literals lists the texts that stand in the expression; none for no expression.
func (p *program) literals() []string {
	var texts []string
	if p == nil {
		return nil
	}
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if text, ok := literal(e); ok {
			texts = append(texts, text)
		}
	}))
	return texts
}
