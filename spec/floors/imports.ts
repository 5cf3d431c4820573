import ts from 'typescript';

/** One import, in whatever form: a declaration, a re-export, `import()`, `require()` or a type's `import('…')`. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly isTypeOnly: boolean;
}

/** What one file says about itself. */
export interface ParsedFile {
  readonly imports: readonly Import[];
  /** Every identifier that is neither a property's name nor declared as one, with its line; `Math.random` as one. */
  readonly names: readonly { readonly name: string; readonly line: number }[];
  readonly lines: number;
}

/** Reads the imports and the free names of one TypeScript source. Comments and strings count for nothing. */
export function parseFile(path: string, text: string): ParsedFile {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  const imports: Import[] = [];
  const names: { name: string; line: number }[] = [];
  const lineOf = (node: ts.Node): number => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== null) imports.push({ ...found, line: lineOf(node) });
    const name = nameOf(node);
    if (name !== null) names.push({ name, line: lineOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imports, names, lines: text.replace(/\n$/, '').split('\n').length };
}

/** The name of an import whose specifier is computed, so that no rule lets it pass by accident. */
export const COMPUTED = '(computed)';

function importOf(node: ts.Node): Omit<Import, 'line'> | null {
  if (ts.isImportDeclaration(node)) {
    return { specifier: literal(node.moduleSpecifier), isTypeOnly: isTypeOnlyImport(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { specifier: literal(node.moduleSpecifier), isTypeOnly: isTypeOnlyExport(node) };
  }
  if (ts.isImportTypeNode(node)) {
    return { specifier: ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : COMPUTED, isTypeOnly: true };
  }
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    return { specifier: literal(node.moduleReference.expression), isTypeOnly: node.isTypeOnly };
  }
  if (ts.isCallExpression(node)) {
    const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
    if (isImport || isRequire) return { specifier: literal(node.arguments[0]), isTypeOnly: false };
  }
  return null;
}

function literal(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : COMPUTED;
}

/** `import type …`, or one whose every name is marked `type`. */
function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  return clause.name === undefined && bindings !== undefined && ts.isNamedImports(bindings) && allTypes(bindings.elements);
}

function isTypeOnlyExport(node: ts.ExportDeclaration): boolean {
  if (node.isTypeOnly) return true;
  return node.exportClause !== undefined && ts.isNamedExports(node.exportClause) && allTypes(node.exportClause.elements);
}

function allTypes(elements: readonly { readonly isTypeOnly: boolean }[]): boolean {
  return elements.length > 0 && elements.every((element) => element.isTypeOnly);
}

/** A name that refers to something in scope: `setTimeout(…)`, `globalThis.Date`, `Math.random`; not `schedule.setTimeout` or `{ Date: 1 }`. */
function nameOf(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    if (node.expression.text === 'Math') return `Math.${node.name.text}`;
    if (node.expression.text === 'globalThis') return node.name.text;
  }
  if (!ts.isIdentifier(node)) return null;
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return null;
  if ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent)) && parent.name === node) return null;
  if ((ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isQualifiedName(parent)) && 'name' in parent && parent.name === node) return null;
  return node.text;
}
