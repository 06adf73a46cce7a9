"""Every error a person can meet, in one tree.

AlphaLabError                     exit code 1
├── BadInput                      2   the request cannot be carried out as given; nothing was written
│   ├── ConfigError                   campaign.yaml
│   ├── DataError                     the data file
│   ├── UnknownDomain                 no adapter of that name
│   ├── AdapterInvalid                an adapter that does not validate
│   ├── WorkspaceError                the folder: missing, unwritable, locked, of a newer version
│   ├── NotFound                      no such experiment
│   ├── MixedVersions                 scores of several harness versions in one ranking or comparison
│   └── ProviderRefused               key or model name not accepted by the provider
│       └── RequestRefused                one request, the campaign goes on
├── IllegalMove, StaleMove            board transitions
├── HarnessChanged                    the frozen harness is not what was frozen
├── PhaseFailed                   1
├── ProviderOutage                3   a language model cannot be reached; running again goes on where it stopped
├── Stopped                       130  a person asked for it; running again goes on where it stopped
├── BudgetEnded                   4
│   └── RequestLimit                  one conversation's, the campaign goes on
└── ToolError                         becomes an observation for the agent, never an exit
"""

from __future__ import annotations

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM; no error class, for nothing went wrong."""


class AlphaLabError(Exception):
    """Base of all errors of this package. Its message names the remedy."""

    exit_code = 1


class BadInput(AlphaLabError):
    """The input cannot be used as given; nothing was written."""

    exit_code = 2


class ConfigError(BadInput):
    """campaign.yaml holds something this version does not understand."""


class DataError(BadInput):
    """The data file is missing or cannot be read as the task needs it."""


class UnknownDomain(BadInput):
    """There is no adapter of that name."""


class WorkspaceError(BadInput):
    """The workspace folder cannot be used."""


class NotFound(BadInput):
    """The board holds nothing under that id."""


class MixedVersions(BadInput):
    """Scores of different harness versions were to be ranked or compared with one another."""


class ProviderRefused(BadInput):
    """The model provider does not accept the key or the model's name; asking again would not help."""


class RequestRefused(ProviderRefused):
    """The provider does not answer this one request (a filter, a malformed history); other conversations go on."""


class Stopped(AlphaLabError):
    """A person asked the campaign to stop; what was done is on record."""

    exit_code = INTERRUPTED


class IllegalMove(AlphaLabError):
    """The lifecycle has no such transition."""


class StaleMove(AlphaLabError):
    """Somebody else moved the experiment first; read it again."""


class HarnessChanged(AlphaLabError):
    """A file of the frozen harness differs from what was frozen; scores would not be comparable."""


class AdapterInvalid(BadInput):
    """The adapter does not validate; the message lists every finding."""


class PhaseFailed(AlphaLabError):
    """A phase did not reach its end; the executed notebook shows the failing cell."""


class ProviderOutage(AlphaLabError):
    """The model provider did not answer for longer than the configured patience."""

    exit_code = 3


class BudgetEnded(AlphaLabError):
    """The budget ended before there was a result."""

    exit_code = 4


class RequestLimit(BudgetEnded):
    """One conversation used up its responses without a report."""


class ToolError(AlphaLabError):
    """A tool could not do what was asked; the agent sees this message as its observation."""
