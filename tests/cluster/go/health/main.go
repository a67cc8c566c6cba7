// Judges objects as Argo CD and Flux do: Lua in the interpreter of the one, CEL in the evaluator of the other.
//
// Standard input: {"lua": SCRIPT, "cel": {"current": …, "failed": …, "inProgress": …}, "objects": [OBJECT…]}.
// Standard output: one line for each object, {"argo": STATUS, "message": …, "flux": STATUS}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type question struct {
	Lua     string                            `json:"lua"`
	CEL     *kustomize.HealthCheckExpressions `json:"cel"`
	Objects []*unstructured.Unstructured      `json:"objects"`
}

type answer struct {
	Argo    string `json:"argo,omitempty"`
	Message string `json:"message,omitempty"`
	Flux    string `json:"flux,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, object := range asked.Objects {
		var said answer
		var err error
		if asked.Lua != "" {
			if said.Argo, said.Message, err = argo(asked.Lua, object); err != nil {
				return err
			}
		}
		if asked.CEL != nil {
			if said.Flux, err = flux(asked.CEL, object); err != nil {
				return err
			}
		}
		if err := out.Encode(said); err != nil {
			return err
		}
	}
	return nil
}

// flux asks the evaluator that kustomize-controller uses, with its own look at generations.
func flux(exprs *kustomize.HealthCheckExpressions, object *unstructured.Unstructured) (string, error) {
	evaluator, err := cel.NewStatusEvaluator(exprs)
	if err != nil {
		return "", err
	}
	result, err := evaluator.Evaluate(context.Background(), object)
	if err != nil {
		// Flux waits for what it cannot judge yet.
		return "Unknown", nil
	}
	return string(result.Status), nil
}

// argo runs a script in what Argo CD gives it: three libraries, one second, and the object as `obj`.
// Source: Argo CD, util/lua/lua.go, runLua.
func argo(script string, object *unstructured.Unstructured) (string, string, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return "", "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", value(state, object.Object))
	if err := state.DoString(script); err != nil {
		return "", "", err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("the script returns %s, not a table", state.Get(-1).Type())
	}
	text := func(key string) string {
		if text, ok := table.RawGetString(key).(lua.LString); ok {
			return string(text)
		}
		return ""
	}
	return text("status"), text("message"), nil
}

func value(state *lua.LState, from any) lua.LValue {
	switch from := from.(type) {
	case bool:
		return lua.LBool(from)
	case string:
		return lua.LString(from)
	case int64:
		return lua.LNumber(from)
	case float64:
		return lua.LNumber(from)
	case []any:
		table := state.CreateTable(len(from), 0)
		for _, item := range from {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(from))
		for key, item := range from {
			table.RawSetString(key, value(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
