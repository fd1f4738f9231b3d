// The languages that the kernel speaks: JavaScript, and TypeScript, whose types are taken off before it runs.

import module from 'node:module';
import { compile, completeness } from './cell.mjs';

export const javascript = {
  compile,
  completeness,
  info: {
    name: 'javascript',
    version: process.versions.node,
    mimetype: 'text/javascript',
    file_extension: '.js',
    codemirror_mode: 'javascript',
    pygments_lexer: 'javascript',
    nbconvert_exporter: 'javascript',
  },
};

export const typescript = {
  compile: (code, filename) => compile(withoutTypes(code, filename), filename),
  completeness: (code) => {
    try {
      return completeness(withoutTypes(code, ''));
    } catch {
      return 'unknown';
    }
  },
  info: {
    ...javascript.info,
    name: 'typescript',
    mimetype: 'text/typescript',
    file_extension: '.ts',
    codemirror_mode: { name: 'javascript', typescript: true },
    pygments_lexer: 'typescript',
  },
};

/** Nothing checks the types; enums, namespaces and parameter properties become JavaScript. */
function withoutTypes(code, filename) {
  try {
    // Types alone leave blanks where they were, and with them every line and column.
    return module.stripTypeScriptTypes(code, { mode: 'strip' });
  } catch (error) {
    if (error.code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') throw explained(error, filename);
  }
  try {
    return module.stripTypeScriptTypes(code, { mode: 'transform' });
  } catch (error) {
    throw explained(error, filename);
  }
}

/** The same error with the cell as its only place. */
function explained(error, filename) {
  const syntax = new SyntaxError(error.message.trim());
  syntax.stack = `${filename}\n${syntax}`;
  return syntax;
}
