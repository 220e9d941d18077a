// The tab of the tests' tracer (helper/test/toyTracer): programs and how often they were executed. It knows the rest of the page
// through views/view.ts alone.
import type { Recording } from '../../src/load';
import { element } from '../../src/views/element';
import type { Shown, View } from '../../src/views/view';

interface ExecSection {
  programs: { name: string; count: number }[];
}

const sectionOf = ({ extra }: Recording) => extra?.sections?.execs as ExecSection | undefined;

export class ExecView implements View {
  readonly id = 'execs';
  readonly title = 'Executed Programs';
  readonly standsAlone = true;
  private readonly list = element('ul', {});
  readonly root = element('div', {}, this.list);

  isFor(recording: Recording): boolean {
    return sectionOf(recording) !== undefined;
  }

  show({ recording }: Shown): void {
    const programs = sectionOf(recording)?.programs ?? [];
    this.list.replaceChildren(...programs.map(({ name, count }) => element('li', {}, `${count} ${name}`)));
  }
}
