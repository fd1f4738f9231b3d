// Rewrites a cell so that it can run as a script, again and again, in one global scope.
//
// Scripts know neither `import` nor top-level `await`, and a `const` of theirs can never be declared a second time. So:
//
// - `let` and `const` become `var`, and a class becomes a `var` that holds it: cells may be run twice;
// - a cell that imports or awaits becomes an async function, and what it declares is assigned to globals;
// - the value of a last expression is returned.
//
// Edits never add or remove a line, so line numbers in errors are those of the cell.

import vm from 'node:vm';
import { parse } from '../node_modules/acorn/dist/acorn.mjs';

const GRAMMAR = {
  ecmaVersion: 'latest',
  sourceType: 'module',
  allowAwaitOutsideFunction: true,
  allowReturnOutsideFunction: false,
  allowHashBang: true,
};

/** A script for `code` whose completion value is the cell's, or a promise of it. Throws a SyntaxError. */
export function compile(code, filename) {
  const options = { filename, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
  let tree;
  try {
    tree = parse(code, GRAMMAR);
  } catch (error) {
    return compileUnparsed(code, options, error);
  }
  return new vm.Script(new Rewriting(code, tree.body, filename).result(), options);
}

/** Sloppy code (`with`, octal numbers) is no module, but a good script. Where it is neither, V8 explains it best. */
function compileUnparsed(code, options, complaint) {
  try {
    return new vm.Script(code, options);
  } catch (error) {
    if (!/import|export|await/.test(error.message)) throw error;
    throw located(complaint, code, options.filename);
  }
}

/** The parser's complaint in V8's form: place, line and caret above the message. */
function located({ message, loc }, code, filename) {
  const error = new SyntaxError(message.replace(/ \(\d+:\d+\)$/, ''));
  const line = code.split('\n')[loc.line - 1] ?? '';
  error.stack = `${filename}:${loc.line}\n${line}\n${' '.repeat(loc.column)}^\n\n${error}`;
  return error;
}

/** Whether `code` is a whole cell: 'complete', 'incomplete' or 'invalid'. */
export function completeness(code) {
  try {
    parse(code, GRAMMAR);
    return 'complete';
  } catch (error) {
    const unfinished = error.pos >= code.trimEnd().length || /^Unterminated (template|comment)/.test(error.message);
    return unfinished ? 'incomplete' : 'invalid';
  }
}

class Rewriting {
  #code;
  #body;
  #filename;
  #async;
  #edits = [];
  #globals = new Set();
  #first = [];

  constructor(code, body, filename) {
    this.#code = code;
    this.#body = body;
    this.#filename = filename;
    this.#async = body.some(waits);
  }

  result() {
    this.#body.forEach((statement, index) => this.#statement(statement, index === this.#body.length - 1));
    for (const place of metas(this.#body)) this.#replace(place.start, place.end, this.#meta());
    const code = this.#edited();
    if (!this.#async) return code;
    const declared = this.#globals.size ? `var ${[...this.#globals].join(',')};` : '';
    return `${declared}(async () => {${this.#first.join('')}${code}\n})()`;
  }

  #statement(statement, isLast) {
    switch (statement.type) {
      case 'ImportDeclaration':
        return this.#import(statement);
      case 'ExportNamedDeclaration':
      case 'ExportDefaultDeclaration':
      case 'ExportAllDeclaration':
        return this.#export(statement, isLast);
      case 'VariableDeclaration':
        return this.#variables(statement);
      case 'ClassDeclaration':
        return this.#class(statement);
      case 'FunctionDeclaration':
        if (this.#async) this.#first.push(`globalThis.${statement.id.name}=${statement.id.name};`);
        return;
      case 'ExpressionStatement':
        if (this.#async && isLast) this.#return(statement);
    }
  }

  /** Imports run before everything else, as in a module. The line breaks within one stay where they were. */
  #import({ start, end, source, specifiers, attributes }) {
    const from = JSON.stringify(source.value);
    const more = attributes?.length ? `,{with:{${attributes.map((one) => this.#text(one)).join()}}}` : '';
    const taken = specifiers.map((one) => {
      this.#globals.add(one.local.name);
      if (one.type === 'ImportNamespaceSpecifier') return `${one.local.name}=m;`;
      const name = JSON.stringify(one.type === 'ImportDefaultSpecifier' ? 'default' : (one.imported.name ?? one.imported.value));
      const missing = JSON.stringify(`The requested module ${from} does not provide an export named ${name}`);
      return `if(!(${name} in m))throw new SyntaxError(${missing});${one.local.name}=m[${name}];`;
    });
    this.#first.push(`{const m=await import(${from}${more});${taken.join('')}}`);
    this.#replace(start, end, this.#text({ start, end }).replace(/[^\n]/g, ''));
  }

  /** Nobody imports a cell: what it exports, it declares. */
  #export(statement, isLast) {
    const { declaration, start, end } = statement;
    if (!declaration) return this.#replace(start, end, '');
    this.#replace(start, declaration.start, '');
    if (/^(Class|Function)Declaration$/.test(declaration.type) && !declaration.id) {
      this.#replace(declaration.start, declaration.start, '(');
      return this.#replace(declaration.end, declaration.end, ')');
    }
    const inner = declaration.type.endsWith('Declaration')
      ? declaration
      : { type: 'ExpressionStatement', expression: declaration, start: declaration.start, end };
    this.#statement(inner, isLast);
  }

  #variables({ kind, start, declarations }) {
    // `using` is to be disposed of at the end of its scope, and stays in it.
    if (!['var', 'let', 'const'].includes(kind)) return;
    if (!this.#async) {
      if (kind !== 'var') this.#replace(start, start + kind.length, 'var');
      return;
    }
    this.#replace(start, declarations[0].start, ';');
    for (const { id, init, start: from, end: to } of declarations) {
      names(id).forEach((name) => this.#globals.add(name));
      this.#replace(from, from, '(');
      if (init) this.#replace(to, to, ')');
      else this.#replace(to, to, kind === 'var' ? ')' : '=undefined)');
    }
  }

  #class({ id, start, end }) {
    if (this.#async) this.#globals.add(id.name);
    this.#replace(start, start, `${this.#async ? ';' : 'var '}${id.name}=`);
    this.#replace(end, end, ';');
  }

  #return({ expression, start, end }) {
    this.#replace(start, start, 'return(');
    // A comment may follow the expression, and a parenthesis may enclose it.
    this.#replace(end, end, this.#code[end - 1] === ';' ? '' : ')');
    if (this.#code[end - 1] === ';') this.#replace(end - 1, end, ');');
    return expression;
  }

  #meta() {
    const url = JSON.stringify(`file://${this.#filename}`);
    return `({url:${url},filename:${JSON.stringify(this.#filename)},dirname:process.cwd()})`;
  }

  #text({ start, end }) {
    return this.#code.slice(start, end);
  }

  #replace(start, end, text) {
    this.#edits.push({ start, end, text, order: this.#edits.length });
  }

  #edited() {
    let result = '';
    let at = 0;
    for (const { start, end, text } of this.#edits.sort((a, b) => a.start - b.start || a.order - b.order)) {
      if (start < at) continue; // Within something that is already replaced.
      result += this.#code.slice(at, start) + text;
      at = end;
    }
    return result + this.#code.slice(at);
  }
}

/** Does this statement need an async function around it? What is in functions of its own does not count. */
function waits(node) {
  if (node.type === 'AwaitExpression' || node.type === 'ImportDeclaration') return true;
  if (node.type === 'ForOfStatement' && node.await) return true;
  if (node.type === 'VariableDeclaration' && !['var', 'let', 'const'].includes(node.kind)) return true;
  if (/Function/.test(node.type)) return false;
  if (node.type === 'PropertyDefinition' || node.type === 'StaticBlock') return false;
  return children(node).some(waits);
}

/** Every `import.meta` in these. */
function metas(nodes) {
  return nodes.flatMap((node) =>
    node.type === 'MetaProperty' && node.meta.name === 'import' ? [node] : metas(children(node)),
  );
}

function children(node) {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string');
}

/** The names that a pattern declares. */
function names(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => names(property.argument ?? property.value));
    case 'ArrayPattern':
      return pattern.elements.flatMap(names);
    case 'AssignmentPattern':
      return names(pattern.left);
    case 'RestElement':
      return names(pattern.argument);
    default:
      return [];
  }
}
