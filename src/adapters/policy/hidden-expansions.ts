import type { SyntaxNode } from "unbash";

const quoting = /['"\\]/;
const substitution = /\$\(|`/;
/** Builtins that compute what they are given, or take it for the name of a variable. */
const evaluating = /^(?:let|declare|typeset|local|unset|test|\[|printf|read|wait|getopts|mapfile|readarray)$/;

/** Places where bash expands a text that quotes seem to protect; the grammar does not show what it will run then. */
export class HiddenExpansions {
  #isSure = false;
  #computes = false;
  #hasIndex = false;

  get areThere(): boolean {
    return this.#isSure || (this.#computes && this.#hasIndex);
  }

  look(node: SyntaxNode): void {
    switch (node.type) {
      case "Redirect":
        // The word after >& is expanded once more when it is no number: >&'$(rm x)' runs rm.
        if (node.operator === ">&" && /[$`]/.test(node.target?.value ?? "")) this.#isSure = true;
        break;
      case "ArithmeticExpansion":
        this.#computes = true;
        this.#within(node.text);
        break;
      case "ArithmeticCommand":
        this.#computes = true;
        this.#within(node.body);
        break;
      case "ArithmeticFor":
      case "TestCommand":
        this.#computes = true;
        break;
      case "ParameterExpansion":
        this.#within(node.text);
        break;
      case "Command":
        if (evaluating.test(node.name?.value ?? "")) this.#computes = true;
        break;
      case "Assignment":
        if (node.index !== undefined) this.#within(node.text);
        break;
      case "Word":
        this.#index(node.value);
        break;
      case "HereDocBody":
        this.#index(node.text);
        break;
      default:
    }
  }

  /** Single quotes protect nothing in arithmetic, nor in "${x:-'…'}". */
  #within(text: string): void {
    if (quoting.test(text) && substitution.test(text)) this.#isSure = true;
  }

  /** What is computed and looks like `a[$(rm x)]` runs rm, wherever the text came from. */
  #index(text: string): void {
    if (text.includes("[") && substitution.test(text)) this.#hasIndex = true;
  }
}
