import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
/** The repository's root; this file runs as spec/dist/repo/tree.js. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const notOurs = new Set(['node_modules', 'dist', 'build', '.git', '.weir']);
const madeByBuild = new Set(['bpf/out']);
function* walk(folder) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (notOurs.has(entry.name) || madeByBuild.has(path))
            continue;
        if (entry.isDirectory())
            yield* walk(path);
        else if (entry.isFile())
            yield path;
    }
}
/** Every file and folder of ours, generated and built ones left out. */
export const paths = [...walk('')].sort();
/** Our files whose names end in one of the endings. */
export function sources(...endings) {
    return paths
        .filter(path => endings.some(ending => path.endsWith(ending)) && !path.includes('.generated.'))
        .map(path => ({ path, text: read(path) }));
}
export const read = (path) => readFileSync(join(root, path), 'utf8');
export const exists = (path) => existsSync(join(root, path));
/** TypeScript and JavaScript of ours. */
export const scripts = () => sources('.ts', '.mjs');
/** The text without comments, its lines kept in place. Good enough for code whose strings hold no comment marks. */
export function withoutComments(text) {
    return text
        .replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, ' '))
        .replace(/(^|[\s;{}(,])\/\/[^\n]*/gm, '$1');
}
export function references({ path, text }) {
    const code = withoutComments(text);
    const statics = [...code.matchAll(/^\s*(import|export)\s+(type\s+)?(?:[\w*${}\s,]+?\s+from\s+)?'([^'\n]+)'/gm)];
    const dynamics = [...code.matchAll(/(?:\bimport\(|new URL\(|require\()\s*'([^'\n]+)'/g)];
    return [
        ...statics.map(([statement, , type, specifier = '']) => ({
            from: path,
            specifier,
            typeOnly: type !== undefined || importsOnlyTypes(statement),
        })),
        ...dynamics.map(([, specifier = '']) => ({ from: path, specifier, typeOnly: false })),
    ];
}
/** `import { type A, type B } from` */
function importsOnlyTypes(statement) {
    const names = /\{([^}]*)\}/.exec(statement)?.[1];
    const listed = names?.split(',').filter(name => name.trim() !== '') ?? [];
    return listed.length > 0 && listed.every(name => /^\s*type\s/.test(name)) && /(?:import|export)\s*\{/.test(statement);
}
/** The workspaces' folders by package name, longest path first. */
export const packages = new Map(JSON.parse(read('package.json')).workspaces
    .map(folder => [JSON.parse(read(`${folder}/package.json`)).name, folder])
    .sort(([, a], [, b]) => b.length - a.length));
/** The workspace that a file belongs to: `core`, `datapath/ebpf-napi`. */
export function roomOf(path) {
    return [...packages.values()].find(folder => path.startsWith(`${folder}/`));
}
/** The source file that a reference means, if it is one of ours. */
export function resolveReference({ from, specifier }) {
    if (specifier.startsWith('.'))
        return asSource(normalize(join(dirname(from), specifier)));
    const name = [...packages.keys()].find(candidate => specifier === candidate || specifier.startsWith(`${candidate}/`));
    if (name === undefined)
        return undefined;
    const folder = packages.get(name) ?? '';
    const inside = specifier.slice(name.length + 1);
    if (folder === 'spec')
        return asSource(`spec/${inside}/index.ts`);
    return asSource(`${folder}/src/${inside === '' ? 'index.js' : inside}`);
}
/** Compiled names to source names: `.js` is written for `.ts`, and spec runs from `dist`. */
function asSource(path) {
    return [path, path.replace(/\.js$/, '.ts'), path.replace(/(^|\/)dist\//, '$1src/').replace(/\.js$/, '.ts')].find(exists);
}
//# sourceMappingURL=tree.js.map