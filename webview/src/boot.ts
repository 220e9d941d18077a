// The page's entry: which views it has. All else is in startPage.ts.
import { startPage } from './startPage';
import { VIEWS } from './views';

startPage(VIEWS);
