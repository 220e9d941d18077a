// The real page with one more line in its table of views: boot.ts of the tests.
import { startPage } from '../../src/startPage';
import { VIEWS } from '../../src/views';
import { ExecView } from './execView';

startPage([...VIEWS, () => new ExecView()]);
