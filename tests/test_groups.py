"""Who handed in together: by an export or by a list; one grading, a row for each member, each student in one group."""

import pytest

from cs231n.instructor.grading.groups import read_members
from cs231n.instructor.grading.roster import load
from cs231n.instructor.grading.submissions import intake
from cs231n.instructor.reports.records import Member

MOODLE = ("Group A_55_assignsubmission_file/nb.ipynb", "Group B_56_assignsubmission_file/nb.ipynb")


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def taken(folder, content, **more):
    path = folder.parent / "members.csv"
    path.write_text(content, encoding="utf-8")
    return intake(folder, members=path, **more)


def members(found):
    return {one.student: [member.student for member in one.members] for one in found.submissions}


@pytest.mark.parametrize("names", [("Group A", "Group B"), ("Group A_55", "group b_56"), ("55", "56"), MOODLE])
def test_moodles_groups_get_the_members_of_the_list(folder, names):
    put(folder, *MOODLE)
    first, second = names
    found = taken(folder, f"group,id,name,email\n{first},1,Jane Doe,jane@x.edu\n{first},2,Bob,\n{second},'007,Ada,\n")
    assert members(found) == {"Group A_55": ["1", "2"], "Group B_56": ["007"]}
    assert found.submissions[0].members[0] == Member("1", "Jane Doe", ("1", "jane@x.edu"))
    assert found.notices == ["2 of 2 file names follow Moodle's naming scheme."]


def test_any_file_or_folder_can_be_a_groups(folder):
    put(folder, "team-1.ipynb", "team-2/nb.ipynb", "solo.ipynb")
    assert members(taken(folder, "submission;sid\nteam-1.ipynb;1\nteam-1;2\n")) == {"team-1": ["2"], "team-2": [], "solo": []}


def test_a_group_without_a_submission_is_said_with_the_nearest_name(folder):
    put(folder, *MOODLE)
    found = taken(folder, "group,id\nGroup A,1\nGruop B_56,2\nGroup Z,3\n")
    assert members(found) == {"Group A_55": ["1"], "Group B_56": []}
    assert found.notices[-1].startswith("Gruop B_56 (closest: Group B_56), Group Z")


def test_members_on_the_roster_have_its_ids_and_names_and_are_not_absent(folder, tmp_path):
    put(folder, *MOODLE)
    roster = tmp_path / "class.csv"
    roster.write_text("id,name,login\n0041,Jane Doe,jane\n0042,Bob Ross,bob\n0043,Ada King,ada\n", encoding="utf-8")
    found = taken(folder, "group,id\nGroup A,jane\nGroup A,0042\nGroup B,zoe\n", roster=load(roster))
    assert members(found) == {"Group A_55": ["0041", "0042"], "Group B_56": ["zoe"]}
    assert [person.id for person in found.absent] == ["0043"]
    assert "zoe of Group B_56: not on the roster, and graded under this name." in found.notices


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name\n1,x\n", "line 1: the columns are 'id, name'; expected group (or submission) and id"),
        ("group,id\nGroup A,\n", "line 2: the group is 'Group A' and the id ''"),
        ("group,id\nGroup A,1\nGroup B,1\n", "line 3: 1 is in line 2, too. A student has one group"),
        (
            "group,id\nGroup X,1\n",
            "none of its groups matches a submission. It lists Group X; the submissions are called Group A_55",
        ),
        ("group,id\nTwin,1\n", "Twin could be"),
    ],
)
def test_what_a_list_may_not_say_is_refused(folder, content, said):
    put(folder, *MOODLE, "Twin_1_assignsubmission_file/nb.ipynb", "Twin_2_assignsubmission_file/nb.ipynb")
    with pytest.raises(ValueError, match=r"members\.csv") as refused:
        taken(folder, content)
    assert said in str(refused.value)


def test_a_member_who_handed_in_alone_too_is_refused(folder, tmp_path):
    put(folder, "team.ipynb", "jane.ipynb", "bob.ipynb")
    said = r"Jane is a member of team \(team.ipynb\) and handed in jane.ipynb, too. Say which counts"
    with pytest.raises(ValueError, match=said.replace("Jane", "jane")):
        taken(folder, "group,id\nteam,ada\nteam,JANE\n")
    assert members(taken(folder, "group,id\nteam,ada\nteam,zoe\n")) == {"team": ["ada", "zoe"], "jane": [], "bob": []}
    roster = tmp_path / "class.csv"
    roster.write_text("id,name,login\n0041,Jane Doe,jane\n", encoding="utf-8")
    with pytest.raises(ValueError, match="0041 is a member of team"):
        taken(folder, "group,id\nteam,0041\n", roster=load(roster))


def test_a_student_in_two_groups_of_an_export_is_refused(folder):
    put(folder, "Ex/Team 12/Doe_Jane_jdoe_41/nb.ipynb", "Ex/Team 13/Lim_Kim_klim_43/nb.ipynb")
    assert members(intake(folder)) == {"Team 12": ["jdoe"], "Team 13": ["klim"]}
    put(folder, "Ex/Team 13/Doe_Jane_jdoe_41/nb.ipynb")
    with pytest.raises(ValueError, match=r"jdoe is a member of Team 12 .* and handed in .*Team 13.*, too"):
        intake(folder)


def test_the_groups_of_a_list_keep_the_order_of_its_lines(tmp_path):
    path = tmp_path / "members.csv"
    path.write_text("team,id,first name,last name\nb,2,Bob,Ross\na,1,,\nb,3,Ada,King\n", encoding="utf-8")
    assert read_members(path) == {
        "b": [Member("2", "Bob Ross", ("2",)), Member("3", "Ada King", ("3",))],
        "a": [Member("1", "1", ("1",))],
    }
