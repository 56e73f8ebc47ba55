/** The repository's root; this file runs as spec/dist/repo/tree.js. */
export declare const root: string
/** A source file by its path from the root, with `/` on every platform. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}
/** Every file and folder of ours, generated and built ones left out. */
export declare const paths: readonly string[]
/** Our files whose names end in one of the endings. */
export declare function sources(...endings: readonly string[]): readonly SourceFile[]
export declare const read: (path: string) => string
export declare const exists: (path: string) => boolean
/** TypeScript and JavaScript of ours. */
export declare const scripts: () => readonly SourceFile[]
/** The text without comments, its lines kept in place. Good enough for code whose strings hold no comment marks. */
export declare function withoutComments(text: string): string
/** A module named in an import, export-from, dynamic import or `new URL`. */
export interface Reference {
  readonly from: string
  readonly specifier: string
  /** Erased when compiled: only types cross. */
  readonly typeOnly: boolean
}
export declare function references({ path, text }: SourceFile): readonly Reference[]
/** The workspaces' folders by package name, longest path first. */
export declare const packages: ReadonlyMap<string, string>
/** The workspace that a file belongs to: `core`, `datapath/ebpf-napi`. */
export declare function roomOf(path: string): string | undefined
/** The source file that a reference means, if it is one of ours. */
export declare function resolveReference({ from, specifier }: Pick<Reference, 'from' | 'specifier'>): string | undefined
//# sourceMappingURL=tree.d.ts.map
