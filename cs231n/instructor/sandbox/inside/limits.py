"""How much a submission may take: every limit that the sandbox and the grader around it know, once. Names end in the unit.

To change one, change it here; messages quote it from here. A student can see this file, which holds nothing secret.
"""

# The time that a submission gets. "CPU" is time that a process computes; all else is by the clock.
READING_CPU_SECONDS = 40.0  # for reading a file
EXERCISE_CPU_SECONDS = 30.0  # a right answer takes one
OWN_CHECK_CPU_SECONDS = 15.0  # for what the student's own check says of an answer that is not right
CLOCK_SECONDS_PER_CPU_SECOND = 4.0  # a machine can be busy, and a submission can sleep
SUBMISSION_SECONDS = 480.0  # for all exercises, the optional ones last
SPECIMEN_SECONDS = 60.0  # for each of the grader's own specimens
TRIAL_CPU_SECONDS = 60.0  # for trying a protection

# The time that the sandbox's own processes get for each other
START_SECONDS = 120.0  # until PyTorch is imported and the protections are tried
REPORT_SECONDS = 30.0  # until the process that runs submissions says how a job ended
END_SECONDS = 0.5  # that a job gets to end by itself
SEND_SECONDS = 60.0  # for a whole message
REQUEST_SECONDS = 600.0  # that an idle job waits for the next request
LOOK_EVERY_SECONDS = 0.2  # at the processes of a job

# What a submission's processes may take
PROCESS_BYTES = 1024 * 2**20  # of memory, each, on top of what PyTorch has mapped
ALL_PROCESSES_BYTES = 1536 * 2**20  # of memory, together
WORKER_BYTES = 2 * 2**30  # of memory that judging a submission may take in the grader's worker; an honest one takes a fifth
PROCESSES = 24  # and threads
PROCESSES_OF_OTHERS = 512  # that the user may start meanwhile, where Linux counts these, too
OPEN_FILES = 128
WRITTEN_FILE_BYTES = 16 * 2**20
DISK_BYTES = 32 * 2**20  # in all, in memory
DISK_FILES = 2000

# What is read of what was handed in
SUBMISSION_BYTES = 300_000_000
UNPACKED_BYTES = 300_000_000  # of an archive, in all
ARCHIVES_IN_ARCHIVES = 3
ARCHIVE_FILES = 20_000  # that are listed
CODE_CELLS = 20_000
CODE_CHARACTERS = 2_000_000
CANDIDATE_FILES = 12  # notebooks, or else Python files, of which the one that is filled in is looked for
ENOUGH_DONE = 3  # exercises, and answers: where so many are done, no other notebook is looked at
SEARCHED_FILES = 40  # other Python files that are searched for exercises
FILES_BESIDE = 500  # a student's file, that are read with it
FOLDERS_OF_STUDENT = 5000  # that are looked into

# What comes out of reading it
ANSWER_CHARACTERS = 20_000
SOURCE_CHARACTERS = 20_000  # of an exercise's code, as it is shown, with the functions that it calls
SOURCE_HELPERS = 20  # of these functions
CELLS_TOLD = 2000  # of a notebook, whose ids and times of execution are kept
CELL_ID_CHARACTERS = 64
NOTE_CHARACTERS = 600  # of a problem, a note, the name of a part
NOTES = 8
NAMED_PROBLEMS = 2  # of the files of an archive
OPENED_PIXELS = 20_000_000  # of the largest picture that is opened
PICTURE_WIDTH_PIXELS = 720
PICTURE_HEIGHT_PIXELS = 2880
PICTURE_CHARACTERS = 1_000_000  # in base64
ANSWER_PICTURES = 4  # of one answer
ANSWER_PICTURES_CHARACTERS = 5_000_000  # in base64, of all answers
OUTLINE_BYTES = 24_000_000  # of the whole, as JSON

# What comes out of running it
JSON_BYTES = 64 * 2**20  # where nothing smaller is agreed
ANSWER_JSON_BYTES = 2**20
OUTLINE_JSON_BYTES = 32 * 2**20  # it holds pictures
JSON_VALUES = 2_000_000  # three characters, {},, take 72 bytes of memory
ARRAYS_BYTES = 96 * 2**20  # 150 images of 224 x 224 pixels
ARRAYS = 11_000
ARRAY_DIMENSIONS = 8
TENSOR_NUMBERS = 4_000_000  # a larger tensor stays there
LABELS = 1000  # a larger tensor of integers stays there
TUPLE_ELEMENTS = 8
PATCHED_NAMES = 20
NAME_CHARACTERS = 80
ERROR_CHARACTERS = 300
SOURCE_LINE_CHARACTERS = 200
EVIDENCE_SENTENCES = 12
SENTENCE_CHARACTERS = 1000
DOUBT_CHARACTERS = 600
MESSAGE_CHARACTERS = 6000  # of the whole message about an exercise
